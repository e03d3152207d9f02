//! The tenant: the unit of order, routing and reading.

use std::fmt;

/// A tenant's id: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, case kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Box<str>);

/// A text that is no tenant id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTenant;

impl fmt::Display for InvalidTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tenant id is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit")
    }
}

impl std::error::Error for InvalidTenant {}

impl TenantId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=64).contains(&bytes.len()) && bytes[0].is_ascii_alphanumeric() && bytes.iter().all(inner)
    }
}

impl TryFrom<&str> for TenantId {
    type Error = InvalidTenant;

    fn try_from(text: &str) -> Result<Self, InvalidTenant> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(InvalidTenant) }
    }
}

impl std::str::FromStr for TenantId {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        Self::try_from(text)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_ids() {
        let long = "a".repeat(64);
        for (text, valid) in [
            ("acme", true),
            ("Acme-1.eu_x", true),
            ("0", true),
            (long.as_str(), true),
            ("", false),
            (".acme", false),
            ("~unknown", false),
            ("a/b", false),
            ("zoë", false),
            ("a b", false),
        ] {
            assert_eq!(TenantId::try_from(text).is_ok(), valid, "{text}");
        }
        assert!(TenantId::try_from("a".repeat(65).as_str()).is_err());
    }
}
