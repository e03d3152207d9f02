//! What an undisturbed run makes of the very log that a disturbed one read: the product's own stages over bytes, in one
//! process, with nothing that could go wrong between them.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use pipeline::{AggregatorStages, NormalizerConfig, NormalizerStages, REROUTE_HEADER};
use stage::{Header, Millis, Offset, Output, Partition, PartitionCount, Record, Sink, StageFactory};
use testkit::Taken;

use super::account::{Account, account};
use super::outputs::{Outputs, Written};
use super::site::{PARTITIONS, Site};

/// What must have come of a log.
#[derive(Debug, Default)]
pub struct Undisturbed {
    /// What both stages write.
    pub outputs: Outputs,
    /// The actions that were moved, with the partitions they belong to, sorted.
    pub rerouted: Vec<(u32, Written)>,
}

/// Computes it from all that a read_committed reader of the actions topic sees.
///
/// # Panics
/// When a stage cannot go on.
#[must_use]
pub fn undisturbed(actions: &[Taken]) -> Undisturbed {
    let count = PartitionCount::new(PARTITIONS).expect("more than none");
    let config = NormalizerConfig::new(count, Codec::single_object());
    let mut all = Undisturbed::default();
    let mut input: BTreeMap<u32, Vec<(i64, Written)>> = BTreeMap::new();
    for action in actions {
        let partition = u32::try_from(action.partition).expect("not negative");
        input.entry(partition).or_default().push((action.offset, action.clone().into()));
    }
    fold(&NormalizerStages::new(config), &input, &mut all);
    let events = (0..PARTITIONS).map(|partition| {
        let stream = all.outputs.streams.get(&(Topic::Events, partition));
        (partition, (0..).zip(stream.into_iter().flatten().cloned()).collect())
    });
    let events = events.collect();
    fold(&AggregatorStages::new(Codec::single_object()), &events, &mut all);
    all.rerouted.sort();
    all
}

/// Judges what lies in the topics: the committed outputs are those of an undisturbed run over the same log, every moved action
/// arrived once, and every action is accounted for once.
///
/// # Panics
/// When one of these does not hold.
#[track_caller]
#[must_use]
pub fn judge(site: &Site) -> Account {
    let (actions, outputs) = (site.actions(), Outputs::of(site));
    if let Some(difference) = difference(&actions, &outputs) {
        panic!("{difference}");
    }
    account(&actions, &outputs)
}

/// The first difference between these outputs and what an undisturbed run makes of these actions, for people.
#[must_use]
pub fn difference(actions: &[Taken], outputs: &Outputs) -> Option<String> {
    let expected = undisturbed(actions);
    let arrived = actions.iter().filter(|action| action.header(REROUTE_HEADER).is_some());
    let mut arrived: Vec<_> = arrived
        .map(|action| {
            let partition = u32::try_from(action.partition).expect("not negative");
            (partition, Written { timestamp: None, ..action.clone().into() })
        })
        .collect();
    arrived.sort();
    let moved = (arrived != expected.rerouted)
        .then(|| format!("moved actions are\n{arrived:?}, not\n{:?}", expected.rerouted));
    outputs.difference(&expected.outputs).or(moved)
}

fn fold(stages: &dyn StageFactory, input: &BTreeMap<u32, Vec<(i64, Written)>>, all: &mut Undisturbed) {
    for (number, records) in input {
        let partition = Partition::new(*number);
        let mut stage = stages.create(partition).expect("memory opens");
        let mut sink = Collected { topics: Topic::all().collect(), all: Vec::new() };
        for (offset, written) in records {
            let record = record(partition, *offset, written);
            stage.process(&record, &mut sink).expect("a stage that needs nothing outside goes on");
        }
        stage.flush(&mut sink).expect("a stage that needs nothing outside goes on");
        for (topic, partition, written) in sink.all {
            match topic {
                Topic::Actions => {
                    // The broker stamps it anew where it arrives.
                    all.rerouted.push((partition, Written { timestamp: None, ..written }));
                }
                _ => all.outputs.add(topic, partition, written),
            }
        }
    }
}

fn record(partition: Partition, offset: i64, written: &Written) -> Record<'_> {
    Record {
        partition,
        offset: Offset::new(offset),
        timestamp: Millis::new(written.timestamp.expect("every record has a time")),
        key: written.key.as_deref(),
        value: written.value.as_deref(),
        headers: written.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect(),
    }
}

struct Collected {
    topics: Vec<Topic>,
    all: Vec<(Topic, u32, Written)>,
}

impl Sink for Collected {
    fn send(&mut self, output: &Output<'_>) {
        let headers = output.headers.iter();
        let written = Written {
            timestamp: Some(output.timestamp.get()),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: headers
                .map(|header| (header.shown_name().into_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        };
        self.all.push((self.topics[output.topic.index()], output.partition.number(), written));
    }
}
