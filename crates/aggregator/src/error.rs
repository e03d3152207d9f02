//! Why an audit event could not be folded: never because of what it says happened.

use std::fmt;

/// Why an audit event could not be folded into the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoldError<E> {
    /// Committed rows could not be read.
    Rows(E),
    /// The event lacks what the catalog makes the subject of its register row of, which no event
    /// of the normalizer does.
    Subject {
        /// The action's name.
        action: &'static str,
        /// What is missing.
        part: &'static str,
    },
    /// The users sketch of a committed activity row is not in the canonical form.
    Sketch,
}

impl<E: fmt::Display> fmt::Display for FoldError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(error) => error.fmt(f),
            Self::Subject { action, part } => {
                write!(f, "an event of {action} has no {part}, of which its register row is made")
            }
            Self::Sketch => f.write_str("the users sketch of an activity row is not in canonical form"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for FoldError<E> {}
