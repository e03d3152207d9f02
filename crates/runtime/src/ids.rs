//! What offsets are spoken of: they mean nothing without the cluster and the topics that they are of.

use sha2::{Digest as _, Sha256};
use stage::StageSpec;

use crate::error::BrokerError;
use crate::port::Log;

/// What offsets are spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) cluster: String,
    pub(crate) input: String,
    /// Names the cluster and every topic of the stage, see [`stage::Mark::trail`].
    pub(crate) trail: String,
}

impl Ids {
    /// Asks for the ids of everything that a stage keeps offsets of.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or a topic is missing.
    pub(crate) fn ask(log: &mut impl Log, spec: &StageSpec) -> Result<Self, BrokerError> {
        let cluster = log.cluster_id()?;
        let topics = log.topic_ids(&spec.topics)?;
        Ok(Self::of(cluster, spec, &topics))
    }

    /// `topics` are the ids of the stage's topics, in their order.
    fn of(cluster: String, spec: &StageSpec, topics: &[String]) -> Self {
        let mut trail = Sha256::new();
        trail.update(&cluster);
        for (name, id) in spec.topics.iter().zip(topics) {
            trail.update(format!("\n{name} {id}"));
        }
        let trail = trail.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { cluster, input: topics[spec.input.index()].clone(), trail }
    }
}

#[cfg(test)]
mod tests {
    use stage::TopicIndex;

    use super::*;

    #[test]
    fn every_topic_that_was_made_anew_makes_another_trail_as_another_cluster_does() {
        let spec = StageSpec {
            name: "stage",
            topics: ["in", "out", "ledger"].map(str::to_owned).into(),
            input: TopicIndex::new(0),
            ledger: TopicIndex::new(2),
            outputs: vec![TopicIndex::new(1), TopicIndex::new(2)],
            classes: Vec::new(),
            skips: Vec::new(),
            rejects: Vec::new(),
        };
        let of =
            |cluster: &str, topics: [&str; 3]| Ids::of(cluster.into(), &spec, &topics.map(str::to_owned));
        let ids = of("c", ["1", "2", "3"]);
        assert_eq!(ids, of("c", ["1", "2", "3"]), "a restart changes nothing");
        assert_eq!((ids.cluster.as_str(), ids.input.as_str()), ("c", "1"));
        for (cluster, topics) in [
            ("d", ["1", "2", "3"]),
            ("c", ["9", "2", "3"]),
            ("c", ["1", "9", "3"]),
            ("c", ["1", "2", "9"]),
            ("c", ["2", "1", "3"]),
        ] {
            assert_ne!(ids.trail, of(cluster, topics).trail, "{cluster} {topics:?}");
        }
    }
}
