//! What every part of the configuration is made of: documented keys with defaults, declared once.
//!
//! The macro makes the serde struct, its defaults and the list of documented keys from one
//! declaration, so that `config show` cannot say anything else than the code does.

/// One key of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the file; in upper case the last part of its environment variable.
    pub name: &'static str,
    /// What people must know about it, one line each.
    pub doc: &'static [&'static str],
}

/// One part of the configuration: a table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The table's name.
    pub name: &'static str,
    /// What it is about, one line each.
    pub doc: &'static [&'static str],
    /// Its keys, in the order they are shown.
    pub keys: &'static [Key],
}

/// Declares a part: documented keys, their types and defaults.
macro_rules! part {
    (
        $(#[doc = $part_doc:literal])*
        $name:ident = $table:literal {
            $($(#[doc = $doc:literal])* $key:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[doc = $part_doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[doc = $doc])* pub $key: $type,)*
        }

        impl $name {
            /// The part as `config show` documents it.
            pub const PART: $crate::config::Part = $crate::config::Part {
                name: $table,
                doc: &[$($part_doc),*],
                keys: &[$($crate::config::Key { name: stringify!($key), doc: &[$($doc),*] },)*],
            };
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }
    };
}
pub(crate) use part;
