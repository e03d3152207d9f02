//! A small trail: generated actions, and what both stages made of them.

use std::collections::BTreeMap;

use catalog::{Category, Micros, Topic, View};
use codec::Codec;
use lms_audit::generate::{Generator, Options};
use pipeline::{AggregatorStages, NormalizerConfig, NormalizerStages};
use stage::{Coverage, Millis, Offset, Stage, StageFactory};

use crate::kept::{Kept, Sent};
use crate::normalizing::{COUNT, NOW};
use crate::stored::Left;

/// Actions and all outputs.
pub(super) struct Trail {
    pub(super) actions: Vec<Kept>,
    pub(super) sent: Sent,
    /// What the stores of the normalizer and of the aggregator hold, as pieces.
    pub(super) held: [Vec<(u8, Vec<u8>)>; 2],
    /// Report rows of one partition, and the events they were made of: the last row of each key.
    rows: BTreeMap<(Topic, Vec<u8>), Vec<u8>>,
}

impl Trail {
    /// Runs it.
    pub(super) fn run() -> Self {
        let start = Micros::from_millis(NOW - 3_600_000).expect("within range");
        let options = Options {
            count: 700,
            seed: 5,
            start,
            span: 3_000_000_000,
            tenants: 2,
            learners: 6,
            courses: 3,
            partitions: COUNT,
            max_value_bytes: 4096,
        };
        let actions: Vec<_> = Generator::new(options)
            .map(|made| Kept {
                topic: Topic::Actions,
                partition: COUNT.partition_of(made.key.as_deref().unwrap_or_default()).number(),
                timestamp: NOW,
                key: made.key,
                value: Some(made.value),
                headers: made.headers.into_iter().map(|(name, value)| (name.into(), Some(value))).collect(),
            })
            .collect();
        let mut sent = Sent::default();
        let config = NormalizerConfig::new(COUNT, Codec::single_object());
        let (left, open) = Left::shared();
        let stages = NormalizerStages::with_store(NormalizerConfig { max_value_bytes: 4096, ..config }, open);
        for partition in COUNT.partitions() {
            let mut stage = stages.create(partition).expect("memory opens");
            let own = actions.iter().filter(|action| action.partition == partition.number());
            run(stage.as_mut(), own, &mut sent);
        }
        let mut held = [left.rows(), Vec::new()];
        let mut reports = Sent::default();
        let (left, open) = Left::shared();
        let stages = AggregatorStages::with_store(Codec::single_object(), open);
        for partition in COUNT.partitions() {
            let mut stage = stages.create(partition).expect("memory opens");
            let own = sent.to(Topic::Events).filter(|event| event.partition == partition.number());
            run(stage.as_mut(), own, &mut reports);
        }
        held[1] = left.rows();
        let row = |one: Kept| Some(((one.topic, one.key?), one.value?));
        let rows = reports.0.into_iter().filter(|one| matches!(one.topic, Topic::Report(..))).filter_map(row);
        Self { actions, sent, rows: rows.collect(), held }
    }

    /// The values of a topic, in order.
    pub(super) fn values(&self, topic: Topic) -> impl Iterator<Item = &[u8]> {
        self.sent.to(topic).filter_map(|one| one.value.as_deref())
    }

    /// The report rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Topic, &[u8])> {
        self.rows.iter().map(|((topic, _), value)| (*topic, value.as_slice()))
    }

    /// The recorded actions as Avro.
    pub(super) fn avro_actions(&self) -> impl Iterator<Item = Vec<u8>> {
        let codec = Codec::single_object();
        let (decoder, mut encoder) = (codec.decoder(), codec.encoder());
        self.values(Topic::Events).map(move |value| {
            let event = decoder.event(value).expect("what we wrote can be read");
            let mut out = Vec::new();
            encoder.action(&event.action, &mut out).expect("an action that was read can be written");
            out
        })
    }

    /// Pieces for the aggregator: some rows, and events that fold into rows like them.
    pub(super) fn folded(&self) -> Vec<Vec<(u8, Vec<u8>)>> {
        let events: Vec<_> = self.values(Topic::Events).map(|value| (0, value[10..].to_vec())).collect();
        let rows: Vec<_> =
            self.rows().filter_map(|(topic, value)| Some((choice(topic)?, value[10..].to_vec()))).collect();
        let stride = (rows.len() / 24).max(1);
        let chunk = |(at, events): (usize, &[(u8, Vec<u8>)])| {
            let rows = rows.iter().skip(at).step_by(stride).take(3).cloned();
            rows.chain(events.iter().cloned()).collect()
        };
        events.chunks(5).enumerate().map(chunk).collect()
    }
}

fn choice(topic: Topic) -> Option<u8> {
    let Topic::Report(category, view) = topic else { return None };
    let category = Category::ALL.iter().position(|one| *one == category)?;
    let view = View::ALL.iter().position(|one| *one == view)?;
    u8::try_from(4 * category + view + 1).ok()
}

fn run<'a>(stage: &mut dyn Stage, records: impl Iterator<Item = &'a Kept>, sent: &mut Sent) {
    let mut next = 0;
    for record in records {
        stage.process(&record.record(next), sent).expect("the codec needs no registry");
        next += 1;
    }
    stage.flush(sent).expect("the state is in memory");
    let coverage = Coverage {
        next: Offset::new(next),
        last_read: Some(Millis::new(NOW)),
        cluster_id: "cluster".into(),
        topic_id: "topic".into(),
        expired: 0,
    };
    stage.cover(&coverage, Millis::new(NOW), sent).expect("coverage is written");
    stage.expire(Offset::new(2), Offset::new(9), Millis::new(NOW), sent).expect("a receipt is written");
    stage.commit(&stage::Mark::unkept()).expect("the state is in memory");
}
