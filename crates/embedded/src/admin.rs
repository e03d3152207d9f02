//! Making and describing topics, behind the runtime's `Admin`.

use std::collections::BTreeMap;

use runtime::{Admin, BrokerError, Groups, TopicPlan, TopicState};

use crate::cluster::{TIMESTAMP_TYPE, Topic};
use crate::log::EmbeddedLog;

/// Apache Kafka's defaults of the topic configuration that a trail cares about. Of all of them the
/// embedded log acts on the timestamp type only: it never cleans up by itself.
const DEFAULTS: [(&str, &str); 12] = [
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("delete.retention.ms", "86400000"),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("max.message.bytes", "1048588"),
    (TIMESTAMP_TYPE, "CreateTime"),
    ("min.insync.replicas", "1"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "1073741824"),
    ("segment.index.bytes", "10485760"),
    ("segment.ms", "604800000"),
];

impl Admin for EmbeddedLog {
    fn topics(&mut self, names: &[String]) -> Result<Vec<Option<TopicState>>, BrokerError> {
        let cluster = self.cluster();
        Ok(names.iter().map(|name| cluster.topics.get(name).map(|topic| describe(name, topic))).collect())
    }

    fn create(&mut self, plans: &[TopicPlan]) -> Result<(), BrokerError> {
        let mut cluster = self.cluster();
        for plan in plans.iter() {
            if cluster.topics.contains_key(&plan.name) {
                continue;
            }
            if plan.partitions == 0 {
                let attempt = format!("embedded log: create topic {}", plan.name);
                return Err(BrokerError::stop(attempt, "a topic has at least one partition"));
            }
            check(&plan.name, &plan.config)?;
            cluster.create_topic(&plan.name, plan.partitions, plan.replication, plan.config.clone());
        }
        Ok(())
    }

    fn set(&mut self, topic: &str, entries: &BTreeMap<String, String>) -> Result<(), BrokerError> {
        check(topic, entries)?;
        let mut cluster = self.cluster();
        cluster.topic(topic)?;
        if let Some(state) = cluster.topics.get_mut(topic) {
            state.config.extend(entries.clone());
        }
        Ok(())
    }
}

impl Groups for EmbeddedLog {
    fn members(&mut self, group: &str) -> Result<Vec<String>, BrokerError> {
        let cluster = self.cluster();
        let of_group = cluster.groups.iter().filter(|((name, _), _)| name == group);
        Ok(of_group.flat_map(|(_, state)| state.names()).collect())
    }
}

fn describe(name: &str, topic: &Topic) -> TopicState {
    let mut config: BTreeMap<_, _> =
        DEFAULTS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    config.extend(topic.config.clone());
    TopicState {
        name: name.to_owned(),
        partitions: topic.partitions.len() as u32,
        replication: topic.replication,
        config,
    }
}

fn check(topic: &str, config: &BTreeMap<String, String>) -> Result<(), BrokerError> {
    match config.get(TIMESTAMP_TYPE).map(String::as_str) {
        None | Some("CreateTime" | "LogAppendTime") => Ok(()),
        Some(other) => Err(BrokerError::stop(
            format!("embedded log: configure topic {topic}"),
            format!("{TIMESTAMP_TYPE} cannot be {other}"),
        )),
    }
}
