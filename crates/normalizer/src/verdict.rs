//! What becomes of one action: exactly one of five things.

use catalog::{Account, AuditEvent, Reason, ReceivedAction, TenantId};
use stage::Partition;

/// What becomes of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is recorded as this audit event.
    Recorded(Box<AuditEvent<'a>>),
    /// It was seen before.
    Duplicate(Box<ReceivedAction>),
    /// A rule says that it makes no event.
    Suppressed(Box<ReceivedAction>),
    /// It cannot become an event.
    DeadLetter {
        /// Why, of the closed set.
        reason: Reason,
        /// Why, for people: names the field and never holds what the action says.
        message: String,
        /// Whose account it counts in.
        account: Account,
    },
    /// It belongs to another partition, where it will be judged and counted.
    Reroute {
        /// Whose it is.
        tenant: TenantId,
        /// Where it belongs.
        to: Partition,
    },
}

/// Why an action cannot become an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}
