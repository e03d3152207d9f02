//! The two stages as the campaign names them: on the command line, in groups, in logs.

use std::fmt;

use catalog::Topic;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageName {
    /// Actions to audit events.
    Normalizer,
    /// Audit events to report rows.
    Aggregator,
}

impl StageName {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Normalizer, Self::Aggregator];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normalizer => "normalizer",
            Self::Aggregator => "aggregator",
        }
    }

    /// What it reads.
    #[must_use]
    pub const fn input(self) -> Topic {
        match self {
            Self::Normalizer => Topic::Actions,
            Self::Aggregator => Topic::Events,
        }
    }

    /// Its consumer group.
    #[must_use]
    pub fn group(self) -> String {
        format!("{}-{}", lms_audit::stages::APP, self.name())
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
