//! What differs between the topics as they shall be and as they are.

use std::collections::BTreeSet;
use std::fmt;

use catalog::{Content, Topic};
use runtime::{TopicPlan, TopicState};

use super::plan::least_retention;
use crate::config::Span;

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The stages run on, with less safety or history than planned.
    Warning,
    /// Exactly-once or the reports would break: no stage may run.
    Error,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// The topic.
    pub topic: String,
    /// What differs: `topic`, `partitions`, `replication`, or a configuration entry.
    pub what: String,
    /// As it is.
    pub found: String,
    /// As it shall be.
    pub wanted: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, what, found, wanted, remedy, .. } = self;
        write!(f, "topic {topic}: {what} is {found}, wanted {wanted}: {remedy}")
    }
}

const APPLY: &str = "run `lms-audit topics apply`";

/// Every difference, errors first, each group in the order of the plan. `state` is what
/// [`runtime::Admin::topics`] says of the plan's topics; a topic kept longer than planned, or with
/// room for larger records, does not differ.
#[must_use]
pub fn verify(plan: &[TopicPlan], state: &[Option<TopicState>], dedup_window: Span) -> Vec<Finding> {
    let mut findings = Vec::new();
    let actions = actions_kept(plan, state);
    for (wanted, found) in plan.iter().zip(state) {
        match found {
            None => findings.push(finding(wanted, Weight::Error, "it", "missing", "there", APPLY)),
            Some(found) => compare(wanted, found, dedup_window, actions, &mut findings),
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    findings
}

fn compare(
    plan: &TopicPlan,
    state: &TopicState,
    dedup_window: Span,
    actions: Span,
    findings: &mut Vec<Finding>,
) {
    if state.partitions != plan.partitions {
        findings.push(partitions(plan, state));
    }
    if state.replication < plan.replication {
        let remedy = "run kafka-reassign-partitions to add replicas, or set topics.replication_factor";
        let (found, wanted) = (state.replication.to_string(), plan.replication.to_string());
        findings.push(finding(plan, Weight::Warning, "replication", &found, &wanted, remedy));
    }
    for (key, wanted) in &plan.config {
        let found = state.config.get(key).map_or("not set", String::as_str);
        if key == "retention.ms"
            && let Some(finding) = forgotten_too_soon(plan, found, dedup_window, actions)
        {
            findings.push(finding);
        } else if let Some(weight) = differs(key, found, wanted) {
            findings.push(finding(plan, weight, key, found, wanted, APPLY));
        }
    }
    findings.extend(remembered_too_briefly(plan, state, dedup_window));
}

/// The count is part of where every record lies, so the only remedies are to say what is there, or
/// to begin a new trail.
pub(super) fn partitions(plan: &TopicPlan, state: &TopicState) -> Finding {
    let remedy = format!(
        "a partition count is never changed: set topics.partitions = {} if every topic has that many, else \
         this one must be made anew",
        state.partitions
    );
    let (found, wanted) = (state.partitions.to_string(), plan.partitions.to_string());
    finding(plan, Weight::Error, "partitions", &found, &wanted, &remedy)
}

/// Whether the value found falls short of the one wanted, and how much that matters.
pub(super) fn differs(key: &str, found: &str, wanted: &str) -> Option<Weight> {
    let number = |text: &str| text.parse::<i64>().ok();
    let at_least = |found: &str, wanted: &str| number(found) >= number(wanted);
    let (same, weight) = match key {
        "cleanup.policy" => (policies(found) == policies(wanted), Weight::Error),
        "message.timestamp.type" => (found == wanted, Weight::Error),
        "max.message.bytes" => (at_least(found, wanted), Weight::Error),
        "min.insync.replicas" => (at_least(found, wanted), Weight::Warning),
        // -1 keeps everything.
        "retention.ms" => (found == "-1" || at_least(found, wanted), Weight::Warning),
        "delete.retention.ms" => (at_least(found, wanted), Weight::Warning),
        _ => (found == wanted, Weight::Warning),
    };
    (!same).then_some(weight)
}

/// How long actions are kept, as the topic is or as it shall be.
fn actions_kept(plan: &[TopicPlan], state: &[Option<TopicState>]) -> Span {
    let name = Topic::Actions.name();
    let found = state.iter().flatten().find(|topic| topic.name == name).map(|topic| &topic.config);
    let wanted = plan.iter().find(|topic| topic.name == name).map(|topic| &topic.config);
    let kept = found.into_iter().chain(wanted).find_map(|config| config.get("retention.ms")?.parse().ok());
    Span::from_millis(kept.unwrap_or_default())
}

/// A topic that loses what the stages still go by: after a restart they would know less.
fn forgotten_too_soon(plan: &TopicPlan, found: &str, dedup_window: Span, actions: Span) -> Option<Finding> {
    let least = least_retention(Topic::from_name(&plan.name)?, dedup_window, actions)?;
    let kept = found.parse().map(Span::from_millis).ok().filter(|kept| *kept < least)?;
    let remedy = format!("{APPLY}; where that leaves it, raise it under [topics] in the configuration first");
    Some(finding(
        plan,
        Weight::Error,
        "retention.ms",
        &kept.millis().to_string(),
        &format!("at least {}", least.millis()),
        &remedy,
    ))
}

/// Actions and dead letters must not outlive the dedup state: a resent one would be recorded twice.
fn remembered_too_briefly(plan: &TopicPlan, state: &TopicState, window: Span) -> Option<Finding> {
    let content = Topic::from_name(&plan.name)?.content();
    if !matches!(content, Content::Action | Content::DeadLetter) {
        return None;
    }
    let kept: i64 = state.config.get("retention.ms")?.parse().ok()?;
    let briefer = u64::try_from(kept).is_ok_and(|kept| kept < window.millis());
    if briefer {
        return None;
    }
    let found = u64::try_from(kept).map_or("for good".into(), |ms| Span::from_millis(ms).to_string());
    let wanted = format!("shorter than normalizer.dedup_window ({window})");
    let remedy = format!(
        "raise normalizer.dedup_window, or shorten it by hand: kafka-configs --alter --entity-type topics --entity-name {} --add-config retention.ms=…",
        plan.name
    );
    Some(finding(plan, Weight::Error, "retention", &found, &wanted, &remedy))
}

fn policies(text: &str) -> BTreeSet<&str> {
    text.split(',').map(str::trim).collect()
}

fn finding(plan: &TopicPlan, weight: Weight, what: &str, found: &str, wanted: &str, remedy: &str) -> Finding {
    Finding {
        weight,
        topic: plan.name.clone(),
        what: what.into(),
        found: found.into(),
        wanted: wanted.into(),
        remedy: remedy.into(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;
    use crate::topics::plan;

    /// The topics just as planned.
    pub(in crate::topics) fn as_planned(plan: &[TopicPlan]) -> Vec<Option<TopicState>> {
        let state = |plan: &TopicPlan| TopicState {
            name: plan.name.clone(),
            partitions: plan.partitions,
            replication: plan.replication,
            config: plan.config.clone(),
        };
        plan.iter().map(|plan| Some(state(plan))).collect()
    }

    const WINDOW: Span = Span::from_days(35);

    #[test]
    fn topics_as_planned_do_not_differ() {
        let plan = plan(&Config::default());
        assert_eq!(verify(&plan, &as_planned(&plan), WINDOW), []);
    }

    #[test]
    fn every_difference_is_found_and_says_what_to_do() {
        type Edit = fn(&mut Option<TopicState>);
        fn set(state: &mut Option<TopicState>, key: &str, value: &str) {
            state.as_mut().expect("there").config.insert(key.into(), value.into());
        }
        let cases: [(usize, Edit, Option<&str>); 17] = [
            (
                1,
                |t| *t = None,
                Some(
                    "Error topic lms.audit.events.v1: it is missing, wanted there: run `lms-audit topics apply`",
                ),
            ),
            (
                0,
                |t| t.as_mut().expect("there").partitions = 6,
                Some(
                    "Error topic lms.actions.v1: partitions is 6, wanted 12: a partition count is never changed",
                ),
            ),
            (
                0,
                |t| t.as_mut().expect("there").replication = 1,
                Some("Warning topic lms.actions.v1: replication is 1, wanted 3"),
            ),
            (
                1,
                |t| set(t, "cleanup.policy", "compact"),
                Some(
                    "Error topic lms.audit.events.v1: cleanup.policy is compact, wanted delete: run `lms-audit topics apply`",
                ),
            ),
            (4, |t| set(t, "cleanup.policy", "delete,compact"), None),
            (
                0,
                |t| set(t, "message.timestamp.type", "CreateTime"),
                Some(
                    "Error topic lms.actions.v1: message.timestamp.type is CreateTime, wanted LogAppendTime: run `lms-audit topics apply`",
                ),
            ),
            (
                1,
                |t| set(t, "retention.ms", "4237200000"),
                Some(
                    "Warning topic lms.audit.events.v1: retention.ms is 4237200000, wanted 34560000000: run `lms-audit topics apply`",
                ),
            ),
            (
                1,
                |t| set(t, "retention.ms", "4237199999"),
                Some("Error topic lms.audit.events.v1: retention.ms"),
            ),
            (
                2,
                |t| set(t, "retention.ms", "1000"),
                Some(
                    "Error topic lms.audit.receipts.v1: retention.ms is 1000, wanted at least 4237200000: run",
                ),
            ),
            (
                4,
                |t| set(t, "retention.ms", "1000"),
                Some("Error topic lms.audit.reports.catalog.activity.v1"),
            ),
            (40, |t| set(t, "retention.ms", "1000"), Some("Error topic lms.audit.ledger.v1: retention.ms")),
            (
                1,
                |t| set(t, "retention.bytes", "9"),
                Some("Warning topic lms.audit.events.v1: retention.bytes"),
            ),
            (1, |t| set(t, "retention.ms", "-1"), None),
            (
                0,
                |t| set(t, "retention.ms", "-1"),
                Some(
                    "Error topic lms.actions.v1: retention is for good, wanted shorter than normalizer.dedup_window (35d)",
                ),
            ),
            (
                3,
                |t| set(t, "retention.ms", "3024000000"),
                Some("Error topic lms.audit.dead-letters.v1: retention is 35d"),
            ),
            (
                1,
                |t| set(t, "max.message.bytes", "1000"),
                Some("Error topic lms.audit.events.v1: max.message.bytes is 1000"),
            ),
            (1, |t| set(t, "max.message.bytes", "9999999"), None),
        ];
        let plan = plan(&Config::default());
        for (topic, edit, expected) in cases {
            let mut state = as_planned(&plan);
            edit(&mut state[topic]);
            let found: Vec<_> =
                verify(&plan, &state, WINDOW).iter().map(|f| format!("{:?} {f}", f.weight)).collect();
            match expected {
                None => assert!(found.is_empty(), "{found:?}"),
                Some(text) => {
                    assert!(found.len() == 1 && found[0].starts_with(text), "{found:?}, not {text}")
                }
            }
        }
    }

    #[test]
    fn errors_come_first() {
        let plan = plan(&Config::default());
        let mut state = as_planned(&plan);
        state[0].as_mut().expect("there").replication = 1;
        state[5] = None;
        let weights: Vec<_> = verify(&plan, &state, WINDOW).iter().map(|finding| finding.weight).collect();
        assert_eq!(weights, [Weight::Error, Weight::Warning]);
    }
}
