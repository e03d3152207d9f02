//! What can go wrong at the codec's boundary, sorted by what the caller does about it.

/// Why bytes could not be read as a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not what they should be: what is wrong and where, never the content.
    #[error("{0}")]
    Malformed(String),
    /// The bytes name a schema that nobody knows, or that cannot be used: its id or fingerprint.
    #[error("{0}")]
    UnknownSchema(String),
    /// The schema registry did not answer: nothing is known about the bytes; try again.
    #[error("{0}")]
    Unavailable(String),
}

/// Why a record could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The schema registry did not answer; try again.
    #[error("{0}")]
    Unavailable(String),
    /// The record cannot be written as it is, or the registry does not hold its schema.
    #[error("{0}")]
    Unwritable(String),
}

impl DecodeError {
    pub(crate) fn malformed(problem: impl Into<String>) -> Self {
        Self::Malformed(problem.into())
    }
}
