//! Every topic as it shall be, made from the catalog's list and the configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::{Cleanup, Content, TimestampType, Topic};
use runtime::{TopicPlan, TopicState};

use crate::config::{Config, Span, Topics};
use crate::verdict::Misuse;

/// What topics and producers allow beyond an action's value: key and headers (32 KiB together at
/// most), our own headers on a dead letter, and the 61 bytes of a record batch with some 20 more
/// for each record.
const ROOM_FOR_HEADERS: u64 = 64 * 1024;

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// How long compacted topics keep tombstones: who has old state and reads what came since must see them.
const TOMBSTONES_MS: u64 = 28 * DAY_MS;
/// How long Kafka keeps them where a topic says nothing.
const KAFKAS_TOMBSTONES_MS: u64 = DAY_MS;

/// The names of all topics, in the catalog's order.
#[must_use]
pub fn names() -> Vec<String> {
    Topic::all().map(Topic::name).collect()
}

/// Every topic as it shall be, in the catalog's order.
#[must_use]
pub fn plan(config: &Config) -> Vec<TopicPlan> {
    Topic::all()
        .map(|topic| TopicPlan {
            name: topic.name(),
            partitions: config.topics.partitions,
            replication: config.topics.replication_factor,
            config: entries(topic, config),
        })
        .collect()
}

/// How old state on disk may be to be used: half of what the least patient of these topics keeps
/// tombstones for, so that reading the rest is over in time; never more than half of the plan's, as a
/// topic may have been less patient until lately.
#[must_use]
pub fn oldest_state(topics: &[Option<TopicState>]) -> Duration {
    let compacted = topics
        .iter()
        .flatten()
        .filter(|topic| topic.config.get("cleanup.policy").is_none_or(|policy| policy.contains("compact")));
    let kept = compacted.map(|topic| {
        let told = topic.config.get("delete.retention.ms").and_then(|kept| kept.parse().ok());
        told.unwrap_or(KAFKAS_TOMBSTONES_MS)
    });
    Duration::from_millis(kept.fold(TOMBSTONES_MS, u64::min) / 2)
}

/// How large a record may be: an action's value, and room for what comes with it.
#[must_use]
pub fn max_message_bytes(config: &Config) -> u64 {
    u64::from(config.normalizer.max_value_bytes) + ROOM_FOR_HEADERS
}

/// Checks what the configuration says of topics on its own, before any broker is asked.
///
/// # Errors
/// [`Misuse`] naming the key.
pub fn check(config: &Config) -> Result<(), Misuse> {
    let topics = &config.topics;
    if topics.partitions == 0 || topics.replication_factor == 0 || topics.min_insync_replicas == 0 {
        return Err(Misuse(
            "topics.partitions, topics.replication_factor and topics.min_insync_replicas are at least 1"
                .into(),
        ));
    }
    if topics.min_insync_replicas > topics.replication_factor {
        return Err(Misuse(format!(
            "topics.min_insync_replicas ({}) is over topics.replication_factor ({}): nothing could be written",
            topics.min_insync_replicas, topics.replication_factor
        )));
    }
    let window = config.normalizer.dedup_window;
    for (key, days) in [
        ("topics.actions_retention_days", topics.actions_retention_days),
        ("topics.dead_letters_retention_days", topics.dead_letters_retention_days),
    ] {
        if window <= Span::from_days(days) {
            return Err(Misuse(format!(
                "normalizer.dedup_window ({window}) must be longer than {key} ({days}d): \
                 a resent action would be recorded twice"
            )));
        }
    }
    let actions = Span::from_days(topics.actions_retention_days);
    for topic in Topic::all() {
        let (Some(least), Some(days)) =
            (least_retention(topic, window, actions), retention_days(topic, topics))
        else {
            continue;
        };
        if Span::from_days(days) < least {
            let key = match topic.content() {
                Content::Event => "topics.events_retention_days",
                Content::Receipt => "topics.receipts_retention_days",
                Content::Ledger => "topics.ledger_retention_days",
                _ => "topics.reports_retention_days",
            };
            return Err(Misuse(format!(
                "{key} ({days}d) is under {least}: the stages go by what lies there for so long, and a \
                 restart must find it"
            )));
        }
    }
    let planned =
        plan(&Config { topics: Topics { extra: BTreeMap::new(), ..topics.clone() }, ..config.clone() });
    match topics.extra.keys().find(|key| planned.iter().any(|topic| topic.config.contains_key(*key))) {
        Some(key) => Err(Misuse(format!("topics.extra: {key} follows from the plan and cannot be set"))),
        None => Ok(()),
    }
}

/// How long a topic must keep its records at least, so that a restart brings back all that the stages
/// go by; `None` where they go by nothing of it, or it is never deleted.
pub(super) fn least_retention(topic: Topic, dedup_window: Span, actions: Span) -> Option<Span> {
    match (topic.content(), topic.cleanup()) {
        // The dedup state: from the oldest action that may still be unread as far back as the window
        // reaches, and an hour for clocks that step back.
        (Content::Event | Content::Receipt, _) => {
            Some(Span::from_millis(dedup_window.millis() + actions.millis() + HOUR_MS))
        }
        // Rows count for as long as the design says, whatever the topic keeps.
        (_, Cleanup::CompactDelete(days)) => Some(Span::from_days(days)),
        _ => None,
    }
}

fn entries(topic: Topic, config: &Config) -> BTreeMap<String, String> {
    let topics = &config.topics;
    let mut entries = topics.extra.clone();
    let mut set = |key: &str, value: String| entries.insert(key.into(), value);
    let timestamps = match topic.timestamp_type() {
        TimestampType::LogAppendTime => "LogAppendTime",
        TimestampType::CreateTime => "CreateTime",
    };
    set("message.timestamp.type", timestamps.into());
    set("max.message.bytes", max_message_bytes(config).to_string());
    set("min.insync.replicas", topics.min_insync_replicas.to_string());
    // A replica that lags must never become the leader: it would lose committed records.
    set("unclean.leader.election.enable", "false".into());
    let days = retention_days(topic, topics);
    match topic.cleanup() {
        Cleanup::Delete(_) => {
            set("cleanup.policy", "delete".into());
        }
        Cleanup::CompactDelete(_) => {
            set("cleanup.policy", "compact,delete".into());
            set("delete.retention.ms", TOMBSTONES_MS.to_string());
        }
        Cleanup::Compact => {
            set("cleanup.policy", "compact".into());
            set("delete.retention.ms", TOMBSTONES_MS.to_string());
        }
    }
    if let Some(days) = days {
        // A limit by size, which a broker may have for all its topics, would delete sooner.
        set("retention.bytes", "-1".into());
        set("retention.ms", (u64::from(days) * DAY_MS).to_string());
    }
    if !matches!(topic.cleanup(), Cleanup::Delete(_)) {
        set("max.compaction.lag.ms", (7 * DAY_MS).to_string());
        set("segment.ms", DAY_MS.to_string());
    }
    entries
}

fn retention_days(topic: Topic, topics: &Topics) -> Option<u32> {
    match topic.content() {
        Content::Action => Some(topics.actions_retention_days),
        Content::Event => Some(topics.events_retention_days),
        Content::Receipt => Some(topics.receipts_retention_days),
        Content::DeadLetter => Some(topics.dead_letters_retention_days),
        Content::Activity | Content::Actors => Some(topics.reports_retention_days),
        Content::Ledger => Some(topics.ledger_retention_days),
        Content::Register | Content::Setting => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_may_be_half_as_old_as_the_least_patient_topic_lets_tombstones_be() {
        const HOUR_MS: u64 = 3_600_000;
        let topic = |policy: &str, kept: Option<&str>| {
            let kept = kept.map(|kept| ("delete.retention.ms".to_owned(), kept.to_owned()));
            let config = [("cleanup.policy".to_owned(), policy.to_owned())].into_iter().chain(kept).collect();
            Some(TopicState { name: "t".into(), partitions: 1, replication: 1, config })
        };
        let as_planned = || topic("compact", Some("2419200000"));
        for (other, hours) in [
            (None, 14 * 24),
            (as_planned(), 14 * 24),
            (topic("compact", Some("9999999999999")), 14 * 24),
            (topic("delete,compact", Some("7200000")), 1),
            (topic("delete", Some("7200000")), 14 * 24),
            (topic("compact", None), 12),
            (topic("compact", Some("0")), 0),
        ] {
            let oldest = oldest_state(&[as_planned(), other.clone()]);
            assert_eq!(oldest, Duration::from_millis(hours * HOUR_MS), "{other:?}");
        }
    }

    fn planned(name: &str) -> TopicPlan {
        let all = plan(&Config::default());
        all.into_iter().find(|topic| topic.name == name).expect("planned")
    }

    #[test]
    fn each_kind_of_topic_is_planned_as_designed() {
        for (name, expected) in [
            (
                "lms.actions.v1",
                "cleanup.policy=delete max.message.bytes=1114112 message.timestamp.type=LogAppendTime \
                 min.insync.replicas=2 retention.bytes=-1 retention.ms=1209600000 unclean.leader.election.enable=false",
            ),
            (
                "lms.audit.events.v1",
                "cleanup.policy=delete max.message.bytes=1114112 message.timestamp.type=CreateTime \
                 min.insync.replicas=2 retention.bytes=-1 retention.ms=34560000000 unclean.leader.election.enable=false",
            ),
            (
                "lms.audit.reports.certificate.activity.v1",
                "cleanup.policy=compact,delete delete.retention.ms=2419200000 max.compaction.lag.ms=604800000 \
                 max.message.bytes=1114112 \
                 message.timestamp.type=CreateTime min.insync.replicas=2 retention.bytes=-1 retention.ms=37152000000 \
                 segment.ms=86400000 unclean.leader.election.enable=false",
            ),
            (
                "lms.audit.settings.v1",
                "cleanup.policy=compact delete.retention.ms=2419200000 max.compaction.lag.ms=604800000 \
                 max.message.bytes=1114112 message.timestamp.type=CreateTime min.insync.replicas=2 \
                 segment.ms=86400000 unclean.leader.election.enable=false",
            ),
        ] {
            let topic = planned(name);
            let entries: Vec<_> = topic.config.iter().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(entries.join(" "), expected, "{name}");
            assert_eq!((topic.partitions, topic.replication), (12, 3), "{name}");
        }
    }

    #[test]
    fn the_defaults_follow_the_catalog_and_fit() {
        let config = Config::default();
        assert_eq!(check(&config), Ok(()));
        assert_eq!(plan(&config).len(), Topic::COUNT);
        for topic in Topic::all() {
            let days = match topic.cleanup() {
                Cleanup::Delete(days) | Cleanup::CompactDelete(days) => Some(days),
                Cleanup::Compact => None,
            };
            assert_eq!(retention_days(topic, &config.topics), days, "{}", topic.name());
        }
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        type Edit = fn(&mut Config);
        let cases: [(Edit, &str); 10] = [
            (|c| c.topics.partitions = 0, "topics.partitions"),
            (|c| c.topics.replication_factor = 1, "topics.min_insync_replicas (2) is over"),
            (|c| c.normalizer.dedup_window = Span::from_days(30), "topics.dead_letters_retention_days (30d)"),
            (|c| c.topics.actions_retention_days = 35, "topics.actions_retention_days (35d)"),
            (|c| c.topics.events_retention_days = 49, "topics.events_retention_days (49d) is under 1177h"),
            (|c| c.topics.receipts_retention_days = 1, "topics.receipts_retention_days (1d)"),
            (|c| c.topics.reports_retention_days = 429, "topics.reports_retention_days (429d) is under 430d"),
            (|c| c.topics.ledger_retention_days = 30, "topics.ledger_retention_days (30d) is under 430d"),
            (
                |c| drop(c.topics.extra.insert("cleanup.policy".into(), "delete".into())),
                "cleanup.policy follows",
            ),
            (|c| drop(c.topics.extra.insert("segment.ms".into(), "1".into())), "segment.ms follows"),
        ];
        for (edit, expected) in cases {
            let mut config = Config::default();
            edit(&mut config);
            let message = check(&config).expect_err(expected).to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
