//! The records as they stand in Avro: borrowed structs to write, owned ones to read. Fields are in
//! the schema's order, which the writer would otherwise have to restore record by record. Fields
//! that a schema has a default for are read with it.

/// A record to write. It is written as a tuple: the library then takes the fields in their order
/// instead of looking each up by its name, which took a third of the time. That the order is the
/// schema's is tested below.
macro_rules! record {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident<$life:lifetime> { $($field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        $visibility struct $name<$life> {
            $($field: $type,)+
        }

        impl $name<'_> {
            /// The fields, in order.
            pub(super) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple as _;
                let mut tuple = serializer.serialize_tuple(Self::FIELDS.len())?;
                $(tuple.serialize_element(&self.$field)?;)+
                tuple.end()
            }
        }
    };
}

mod action;
mod event;
mod facts;
mod ledger;
mod names;
mod receipt;
mod register;
mod report;
mod setting;
mod value;

pub(crate) use action::ActionOut;
pub(crate) use event::{EventIn, EventOut};
pub(crate) use ledger::{LedgerIn, LedgerOut};
pub(crate) use receipt::{ReceiptIn, ReceiptOut};
pub(crate) use register::{RegisterIn, RegisterOut};
pub(crate) use report::{ActivityIn, ActivityOut, ActorsIn, ActorsOut};
pub(crate) use setting::{SettingIn, SettingOut};

/// An owned record that becomes one of the domain.
pub(crate) trait Incoming: serde::de::DeserializeOwned {
    /// The domain's record.
    type Domain;

    /// # Errors
    /// What is wrong, by field, without the content.
    fn into_domain(self) -> Result<Self::Domain, String>;
}
