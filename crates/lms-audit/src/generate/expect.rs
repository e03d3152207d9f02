//! What must become of what was made, action by action and in sum.

use std::collections::BTreeMap;

use catalog::{Category, Reason};
use serde_json::{Value, json};

/// What must become of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Where it ends.
    pub fate: Fate,
    /// Which way it goes there.
    pub route: Route,
}

/// Where an action ends; each in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An audit event of this category.
    Recorded(Category),
    /// A receipt: seen before.
    Duplicate,
    /// A receipt: a rule says that it makes no event.
    Suppressed,
    /// A dead letter for this reason.
    DeadLettered(Reason),
}

impl Fate {
    /// The name of the outcome.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recorded(_) => "recorded",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::DeadLettered(reason) => reason.name(),
        }
    }
}

/// Which way an action goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Its key leads to its tenant's partition.
    Straight,
    /// Its key leads elsewhere: it is re-routed once.
    Rerouted,
    /// It has no key: it is re-routed unless chance leads it right.
    Keyless,
}

/// What was made, in sum; a run that read all of it, and nothing else, must agree exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many actions.
    pub total: u64,
    /// Audit events per category, all 12.
    pub events: BTreeMap<&'static str, u64>,
    /// Duplicates.
    pub duplicate: u64,
    /// Suppressed ones.
    pub suppressed: u64,
    /// Dead letters per reason.
    pub dead_lettered: BTreeMap<&'static str, u64>,
    /// How many are re-routed for sure.
    pub rerouted: u64,
    /// How many have no key, so that chance decides whether they are re-routed.
    pub keyless: u64,
}

impl Summary {
    /// Adds one action.
    pub fn add(&mut self, expect: Expect) {
        self.total += 1;
        match expect.fate {
            Fate::Recorded(category) => *self.events.entry(category.name()).or_default() += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Suppressed => self.suppressed += 1,
            Fate::DeadLettered(reason) => *self.dead_lettered.entry(reason.name()).or_default() += 1,
        }
        match expect.route {
            Route::Straight => {}
            Route::Rerouted => self.rerouted += 1,
            Route::Keyless => self.keyless += 1,
        }
    }

    /// Audit events of all categories.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.events.values().sum()
    }

    /// Dead letters of all reasons.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.dead_lettered.values().sum()
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "total": self.total,
            "recorded": self.recorded(),
            "duplicate": self.duplicate,
            "suppressed": self.suppressed,
            "dead_lettered": self.dead_letters(),
            "dead_lettered_by_reason": self.dead_lettered,
            "rerouted": self.rerouted,
            "keyless": self.keyless,
            "events_by_category": self.events,
        })
    }
}
