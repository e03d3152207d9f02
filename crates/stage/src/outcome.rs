//! What became of one input record, as a fact for the runtime to count.

use crate::{Millis, Partition};

/// One value of a closed set of metric labels.
pub type Label = &'static str;

/// What became of one input record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was recorded, or folded into rows.
    Emit {
        /// What it counts as (for actions and audit events the category).
        class: Label,
        /// When the thing itself happened, cut to milliseconds.
        occurred_at: Millis,
    },
    /// It is accounted for but makes nothing new: the reason (`duplicate`, `suppressed`).
    Skip(Label),
    /// It became a dead letter: the reason.
    Reject(Label),
    /// It belongs to another partition and was written there.
    Reroute(Partition),
}
