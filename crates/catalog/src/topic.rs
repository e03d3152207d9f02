//! The 42 topics of the trail: names, contents, cleanup and retention in one table.

use crate::{Category, View};

/// One topic of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What platforms say happened.
    Actions,
    /// Audit events.
    Events,
    /// Actions that became neither event nor dead letter.
    Receipts,
    /// Actions that could not become events.
    DeadLetters,
    /// A report view of a category.
    Report(Category, View),
    /// Accounts per tenant, source and hour; coverage.
    Ledger,
    /// Certificate expiry per course and training plan.
    Settings,
}

/// What a topic's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// JSON or Avro actions.
    Action,
    /// Avro audit events.
    Event,
    /// Avro receipts.
    Receipt,
    /// The original bytes.
    DeadLetter,
    /// Avro activity rows.
    Activity,
    /// Avro actors rows.
    Actors,
    /// Avro register rows.
    Register,
    /// Avro ledger rows and coverage.
    Ledger,
    /// Avro settings rows.
    Setting,
}

/// How a topic is cleaned up, with its default retention in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// `delete` after so many days.
    Delete(u32),
    /// `compact,delete`: the last row of each key, for so many days.
    CompactDelete(u32),
    /// `compact`: the last row of each key, for good.
    Compact,
}

/// Whose clock a record's timestamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The broker's, at append.
    LogAppendTime,
    /// The writer's.
    CreateTime,
}

impl Topic {
    /// How many topics there are.
    pub const COUNT: usize = 42;

    /// Every topic: actions, events, receipts, dead letters, the reports by category and view,
    /// ledger, settings. The place in this list is [`Topic::index`].
    pub fn all() -> impl Iterator<Item = Topic> {
        let head = [Self::Actions, Self::Events, Self::Receipts, Self::DeadLetters];
        let reports = Category::ALL.into_iter().flat_map(|c| View::ALL.map(|v| Self::Report(c, v)));
        head.into_iter().chain(reports).chain([Self::Ledger, Self::Settings])
    }

    /// The place in [`Topic::all`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Actions => 0,
            Self::Events => 1,
            Self::Receipts => 2,
            Self::DeadLetters => 3,
            Self::Report(category, view) => 4 + category.index() * View::ALL.len() + view.index(),
            Self::Ledger => 40,
            Self::Settings => 41,
        }
    }

    /// The topic's name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Actions => "lms.actions.v1".into(),
            Self::Events => "lms.audit.events.v1".into(),
            Self::Receipts => "lms.audit.receipts.v1".into(),
            Self::DeadLetters => "lms.audit.dead-letters.v1".into(),
            Self::Report(category, view) => {
                format!("lms.audit.reports.{}.{}.v1", category.name(), view.name())
            }
            Self::Ledger => "lms.audit.ledger.v1".into(),
            Self::Settings => "lms.audit.settings.v1".into(),
        }
    }

    /// The topic of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|topic| topic.name() == name)
    }

    /// What its values are.
    #[must_use]
    pub const fn content(self) -> Content {
        match self {
            Self::Actions => Content::Action,
            Self::Events => Content::Event,
            Self::Receipts => Content::Receipt,
            Self::DeadLetters => Content::DeadLetter,
            Self::Report(_, View::Activity) => Content::Activity,
            Self::Report(_, View::Actors) => Content::Actors,
            Self::Report(_, View::Register) => Content::Register,
            Self::Ledger => Content::Ledger,
            Self::Settings => Content::Setting,
        }
    }

    /// How it is cleaned up.
    #[must_use]
    pub const fn cleanup(self) -> Cleanup {
        match self {
            Self::Actions => Cleanup::Delete(14),
            Self::Events | Self::Receipts => Cleanup::Delete(400),
            Self::DeadLetters => Cleanup::Delete(30),
            Self::Report(_, View::Activity | View::Actors) | Self::Ledger => Cleanup::CompactDelete(430),
            Self::Report(_, View::Register) | Self::Settings => Cleanup::Compact,
        }
    }

    /// Whose clock its timestamps are.
    #[must_use]
    pub const fn timestamp_type(self) -> TimestampType {
        match self {
            Self::Actions => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_42_topics_and_each_knows_its_place_and_name() {
        let all: Vec<_> = Topic::all().collect();
        assert_eq!(all.len(), Topic::COUNT);
        for (place, topic) in all.iter().enumerate() {
            assert_eq!(topic.index(), place, "{topic:?}");
            assert_eq!(Topic::from_name(&topic.name()), Some(*topic));
        }
    }
}
