//! Why an action became a dead letter: a closed set of nine, with stable names.

use std::fmt;

/// Why an action became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The bytes cannot be read as an action.
    Malformed,
    /// The schema its bytes name is not known.
    UnknownSchema,
    /// The catalog has no such action.
    UnknownAction,
    /// A field that must be there is not.
    MissingField,
    /// A field is there but not as it must be.
    InvalidField,
    /// The value, or key and headers, are over the limit.
    Oversized,
    /// It says it happened over 24 h after the broker received it.
    TimestampInFuture,
    /// An action of this tenant, source and id says something else.
    ConflictingDuplicate,
    /// It was re-routed once and lies on a wrong partition again.
    Misrouted,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 9] = [
        Self::Malformed,
        Self::UnknownSchema,
        Self::UnknownAction,
        Self::MissingField,
        Self::InvalidField,
        Self::Oversized,
        Self::TimestampInFuture,
        Self::ConflictingDuplicate,
        Self::Misrouted,
    ];

    /// The stable name, in headers, metrics and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown_schema",
            Self::UnknownAction => "unknown_action",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::Oversized => "oversized",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::ConflictingDuplicate => "conflicting_duplicate",
            Self::Misrouted => "misrouted",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
