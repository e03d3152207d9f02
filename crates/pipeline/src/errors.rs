//! What an error of the codec or the store means for a stage: try again, rebuild, or stop.

use codec::{DecodeError, EncodeError};
use stage::StageError;
use stage::store::StoreError;

/// What to do about a record that somebody else, or a newer version, wrote among ours.
pub(crate) const RUNBOOK: &str = "see deploy/foreign-record.md";

/// One of our own records could not be read; `what` names it and where it lies.
pub(crate) fn decoding(error: DecodeError, what: impl FnOnce() -> String) -> StageError {
    let message = format!("{}: {error}", what());
    match error {
        DecodeError::Unavailable(_) => StageError::Retry(message),
        DecodeError::Malformed(_) | DecodeError::UnknownSchema(_) => {
            StageError::Stop(format!("{message}; only lms-audit may write there: {RUNBOOK}"))
        }
    }
}

/// One of our own records could not be written; `what` names it and what it is of.
pub(crate) fn encoding(error: EncodeError, what: impl FnOnce() -> String) -> StageError {
    let message = format!("{}: {error}", what());
    match error {
        EncodeError::Unavailable(_) => StageError::Retry(message),
        EncodeError::Unwritable(_) => StageError::Stop(message),
    }
}

/// The store could not serve.
pub(crate) fn storing(error: StoreError) -> StageError {
    match error {
        StoreError::Damaged(_) => StageError::Rebuild(error.to_string()),
        StoreError::Unwritable(_) | StoreError::Busy(_) => StageError::Storage(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let row = || "row k".to_owned();
        for (error, retries) in [
            (decoding(DecodeError::Unavailable("x".into()), row), true),
            (decoding(DecodeError::Malformed("x".into()), row), false),
            (decoding(DecodeError::UnknownSchema("x".into()), row), false),
            (encoding(EncodeError::Unavailable("x".into()), row), true),
            (encoding(EncodeError::Unwritable("x".into()), row), false),
        ] {
            assert_eq!(matches!(error, StageError::Retry(_)), retries, "{error:?}");
            assert_eq!(matches!(error, StageError::Stop(_)), !retries, "{error:?}");
            assert!(error.to_string().starts_with("row k: "));
        }
        assert!(matches!(storing(StoreError::Damaged("x".into())), StageError::Rebuild(_)));
        assert!(matches!(storing(StoreError::Unwritable("x".into())), StageError::Storage(_)));
    }
}
