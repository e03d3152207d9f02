//! What `topics apply` does, worked out before anything is changed.

use std::collections::BTreeMap;
use std::fmt;

use runtime::{TopicPlan, TopicState};

use super::verify::{Finding, differs, partitions};

/// One thing to do, or to leave as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a topic.
    Create(TopicPlan),
    /// Set these entries of a topic.
    Set {
        /// The topic.
        topic: String,
        /// The entries as they shall be.
        entries: BTreeMap<String, String>,
        /// The same entries as they are, for people.
        before: BTreeMap<String, String>,
    },
}

/// Topics that cannot be brought to the plan: nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict(pub Vec<Finding>);

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was changed")?;
        self.0.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

impl std::error::Error for Conflict {}

/// The steps from `state` to `plan`; none where they agree. Retention is only ever lengthened, a
/// partition count never changed, a topic never deleted, and what is set beyond the plan stays.
///
/// # Errors
/// [`Conflict`] naming every topic with another partition count.
pub fn steps(plan: &[TopicPlan], state: &[Option<TopicState>]) -> Result<Vec<Step>, Conflict> {
    let mut conflicts = Vec::new();
    let mut steps = Vec::new();
    for (wanted, found) in plan.iter().zip(state) {
        match found {
            None => steps.push(Step::Create(wanted.clone())),
            Some(found) if found.partitions != wanted.partitions => conflicts.push(partitions(wanted, found)),
            Some(found) => steps.extend(set(wanted, found)),
        }
    }
    if conflicts.is_empty() { Ok(steps) } else { Err(Conflict(conflicts)) }
}

fn set(plan: &TopicPlan, state: &TopicState) -> Option<Step> {
    let found = |key: &str| state.config.get(key).map_or("not set", String::as_str);
    let short: Vec<_> =
        plan.config.iter().filter(|(key, value)| differs(key, found(key), value).is_some()).collect();
    if short.is_empty() {
        return None;
    }
    Some(Step::Set {
        topic: plan.name.clone(),
        entries: short.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        before: short.iter().map(|(key, _)| (key.to_string(), found(key).to_string())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::topics::{plan, verify::tests::as_planned};

    #[test]
    fn nothing_is_done_to_topics_as_planned() {
        let plan = plan(&Config::default());
        assert_eq!(steps(&plan, &as_planned(&plan)), Ok(vec![]));
    }

    #[test]
    fn missing_topics_are_made_and_short_entries_set() {
        let plan = plan(&Config::default());
        let mut state = as_planned(&plan);
        state[2] = None;
        let events = &mut state[1].as_mut().expect("there").config;
        events.insert("retention.ms".into(), "1000".into());
        events.insert("compression.type".into(), "zstd".into());
        let found = steps(&plan, &state).expect("no conflict");
        let entry = |value: &str| BTreeMap::from([("retention.ms".to_string(), value.to_string())]);
        let set = Step::Set {
            topic: "lms.audit.events.v1".into(),
            entries: entry("34560000000"),
            before: entry("1000"),
        };
        assert_eq!(found, [set, Step::Create(plan[2].clone())]);
    }

    #[test]
    fn a_longer_retention_stays() {
        let plan = plan(&Config::default());
        for kept in ["99999999999999", "-1"] {
            let mut state = as_planned(&plan);
            state[1].as_mut().expect("there").config.insert("retention.ms".into(), kept.into());
            assert_eq!(steps(&plan, &state), Ok(vec![]), "{kept}");
        }
    }

    #[test]
    fn another_partition_count_stops_everything() {
        let plan = plan(&Config::default());
        let mut state = as_planned(&plan);
        state[0] = None;
        state[7].as_mut().expect("there").partitions = 1;
        let message = steps(&plan, &state).expect_err("a conflict").to_string();
        assert!(message.starts_with("nothing was changed\n  topic lms.audit.reports."), "{message}");
        assert!(message.contains("partitions is 1, wanted 12"), "{message}");
    }
}
