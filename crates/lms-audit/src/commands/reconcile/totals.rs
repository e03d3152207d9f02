//! What was counted in one partition, and in all.

use std::collections::{BTreeMap, HashMap};

use catalog::Micros;

use super::outputs::Became;

/// What actions became, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) actions: u64,
    pub(super) recorded: u64,
    pub(super) duplicate: u64,
    pub(super) suppressed: u64,
    pub(super) dead_lettered: u64,
    pub(super) rerouted: u64,
    pub(super) lost: u64,
    /// Actions older than what a topic of outputs still holds.
    pub(super) unjudged: u64,
    /// Actions that the normalizer had not covered; not among the others.
    pub(super) waiting: u64,
    /// The first offset that the normalizer had not covered.
    pub(super) next: i64,
}

impl Sums {
    /// Counts what an action became.
    pub(super) fn count(&mut self, became: &Became) {
        *match became {
            Became::Event { .. } => &mut self.recorded,
            Became::Duplicate => &mut self.duplicate,
            Became::Suppressed => &mut self.suppressed,
            Became::DeadLetter(_) => &mut self.dead_lettered,
            Became::Rerouted { .. } => &mut self.rerouted,
            Became::Expired { .. } => return,
        } += 1;
    }
}

/// Records of covered actions, however old: what a process can have counted, by counter and label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Records(BTreeMap<(&'static str, &'static str), u64>);

/// A process's counter of actions by what became of them.
pub(super) const ACTIONS: &str = "lmsaudit_actions_total";
/// A process's counter of dead letters by reason.
pub(super) const DEAD_LETTERS: &str = "lmsaudit_dead_letters_total";
/// A process's counter of audit events by category.
pub(super) const EVENTS: &str = "lmsaudit_audit_events_total";

impl Records {
    pub(super) fn count(&mut self, became: &Became) {
        let outcome = match became {
            Became::Event { category, .. } => {
                self.add(EVENTS, category.name());
                "recorded"
            }
            Became::DeadLetter(reason) => {
                self.add(DEAD_LETTERS, reason.name());
                "dead_lettered"
            }
            Became::Duplicate => "duplicate",
            Became::Suppressed => "suppressed",
            Became::Rerouted { .. } => "rerouted",
            Became::Expired { .. } => return,
        };
        self.add(ACTIONS, outcome);
    }

    /// How many records a counter can have counted under this label.
    pub(super) fn of(&self, counter: &str, label: &str) -> u64 {
        self.0.get(&(counter, label)).copied().unwrap_or(0)
    }

    fn add(&mut self, counter: &'static str, label: &'static str) {
        *self.0.entry((counter, label)).or_default() += 1;
    }
}

/// When each source of a partition was heard last; no more sources than a limit.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: HashMap<String, HashMap<String, Micros>>,
    count: usize,
}

/// How many sources of a partition are watched for silence.
const SOURCES: usize = 100_000;

impl Heard {
    pub(super) fn hear(&mut self, tenant: &str, source: &str, at: Micros) {
        // Nearly always it is there already, and a key need not be made.
        if let Some(last) = self.last.get_mut(tenant).and_then(|sources| sources.get_mut(source)) {
            *last = (*last).max(at);
        } else if self.count < SOURCES {
            self.count += 1;
            self.last.entry(tenant.to_owned()).or_default().insert(source.to_owned(), at);
        }
    }

    /// The sources that were not heard from then on, and when they were, by tenant and source.
    pub(super) fn silent_since(self, from: Micros) -> BTreeMap<(String, String), Micros> {
        let mut silent = BTreeMap::new();
        for (tenant, sources) in self.last {
            let quiet = sources.into_iter().filter(|(_, last)| *last < from);
            silent.extend(quiet.map(|(source, last)| ((tenant.clone(), source), last)));
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_heard_once_and_no_more_is_silent() {
        let mut heard = Heard::default();
        for (tenant, source, at) in [("a", "x", 5), ("a", "y", 9), ("a", "x", 3), ("b", "x", 20)] {
            heard.hear(tenant, source, Micros::new(at));
        }
        let silent: Vec<_> = heard.silent_since(Micros::new(9)).into_iter().collect();
        assert_eq!(silent, [(("a".into(), "x".into()), Micros::new(5))]);
    }
}
