//! What one line of a source came to.

use catalog::Action;

/// What one line of a source came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing stands on it.
    Blank,
    /// It cannot be read: what is wrong and where, without its content.
    Unreadable(String),
    /// It is an action as it stands.
    Action(Passed),
    /// It tells of these events (a webhook can tell of several).
    Events {
        /// The events in their order.
        events: Vec<Event>,
        /// How many of them name another trigger than the one they came by.
        mismatched: u64,
    },
}

/// A line that is an action already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The tenant it names; none where it names none or no valid one.
    pub tenant: Option<catalog::TenantId>,
    /// Its form.
    pub form: Form,
}

/// The form of an action in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The fields of an action.
    Plain,
    /// A CloudEvent in structured mode, with the action in it.
    CloudEvent,
}

/// What became of one foreign event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The mapping makes nothing of this name.
    Unmapped(String),
    /// The mapping makes actions of it.
    Mapped {
        /// The event's name.
        name: String,
        /// The actions.
        actions: Vec<Action<'static>>,
        /// What was missing for further actions; empty where nothing was.
        missing: Vec<Missing>,
    },
}

/// What an action must have and the event does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// The user.
    User,
    /// The object.
    Object,
    /// What the object lies in.
    Within,
    /// The time, or its zone.
    Time,
    /// What the id is made of.
    Id,
    /// Notifications, in a webhook without any.
    Notifications,
}

impl Missing {
    /// The name that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Object => "object",
            Self::Within => "within",
            Self::Time => "time",
            Self::Id => "id",
            Self::Notifications => "notifications",
        }
    }
}
