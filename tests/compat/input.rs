//! The actions that a dump is made of: generated ones with all that goes wrong in practice, and the same facts in every form.

use catalog::{Micros, Topic};
use codec::Codec;
use lms_audit::generate::{Generator, Options};
use pipeline::{NormalizerConfig, NormalizerStages};
use stage::{Millis, Partition, PartitionCount, StageFactory};

use crate::dump::Framing;
use crate::log::{Lying, Outputs};

/// The most bytes of a value: small, so that oversized ones are small, too.
pub(crate) const LIMIT: usize = 2048;
/// The broker's time of the first action, 2026-11-02T10:00:00Z, in milliseconds; the others follow by the second.
const FIRST: i64 = 1_793_613_600_000;

/// The actions, with offsets in their partitions; re-routed ones lie where they were moved to.
pub(crate) fn actions(count: PartitionCount, framing: Framing, codec: &Codec) -> Vec<Lying> {
    let deliveries = match framing {
        Framing::SingleObject => 300,
        Framing::Confluent => 60,
    };
    let mut put = Vec::new();
    for (made, place) in generator(count, deliveries).zip(0_u32..) {
        let partition = match &made.key {
            Some(key) => count.partition_of(key),
            None => Partition::new(place % count.get()),
        };
        let headers = made.headers.into_iter().map(|(name, value)| (name, Some(value))).collect();
        put.push((partition, made.key, made.value, headers));
    }
    let avro = in_avro(count, codec, &lying(&put));
    put.extend(avro);
    moved(count, codec, lying(&put))
}

/// Where it is put, its key, value and headers.
type Put = (Partition, Option<Vec<u8>>, Vec<u8>, Vec<(String, Option<Vec<u8>>)>);

fn generator(partitions: PartitionCount, count: u64) -> Generator {
    let start = Micros::from_millis(FIRST - 7_200_000).expect("within range");
    let (tenants, learners, courses) = (7, 6, 4);
    Generator::new(Options {
        count,
        seed: 11,
        start,
        span: 3_600_000_000,
        tenants,
        learners,
        courses,
        partitions,
        max_value_bytes: LIMIT,
    })
}

fn lying(put: &[Put]) -> Vec<Lying> {
    let mut outputs = Outputs::default();
    for ((partition, key, value, headers), second) in put.iter().zip(0..) {
        let offset = outputs.next(Topic::Actions, partition.number());
        let (key, value, headers) = (key.clone(), Some(value.clone()), headers.clone());
        let timestamp = FIRST + 1000 * second;
        outputs.0.push(Lying {
            topic: Topic::Actions,
            partition: partition.number(),
            offset,
            timestamp,
            key,
            value,
            headers,
        });
    }
    outputs.0
}

/// Some of what was recorded as Avro, under other ids: framed, and beside the header that names the schema.
fn in_avro(count: PartitionCount, codec: &Codec, actions: &[Lying]) -> Vec<Put> {
    let (decoder, mut encoder) = (codec.decoder(), codec.encoder());
    let outputs = normalized(count, codec, actions);
    let events = outputs.0.iter().filter(|one| one.topic == Topic::Events).step_by(9);
    let mut put = Vec::new();
    for event in events {
        let mut event = decoder.event(event.value.as_deref().expect("an event")).expect("we wrote it");
        event.action.id = format!("{}-avro", event.action.id).into();
        let mut value = Vec::new();
        encoder.action(&event.action, &mut value).expect("an action can be written");
        let tenant = event.action.tenant.as_str().as_bytes();
        let key = (count.partition_of(tenant), Some(tenant.to_vec()));
        // A registry's id may also stand in a header, with the datum alone for a value.
        if value[0] == 0 && put.len() % 2 == 1 {
            let datum = value.split_off(5);
            put.push((key.0, key.1, datum, vec![("__value_schema_id".to_owned(), Some(value))]));
        } else {
            put.push((key.0, key.1, value, Vec::new()));
        }
    }
    put
}

/// Appends what is re-routed where it is moved to, until nothing is.
fn moved(count: PartitionCount, codec: &Codec, mut actions: Vec<Lying>) -> Vec<Lying> {
    let outputs = normalized(count, codec, &actions);
    let moved = outputs.0.into_iter().filter(|one| one.topic == Topic::Actions);
    for (one, second) in moved.zip(1..) {
        let here = |other: &&Lying| other.partition == one.partition;
        let offset = actions.iter().rev().find(here).map_or(0, |last| last.offset + 1);
        let last = actions.last().expect("there are actions").timestamp;
        actions.push(Lying { offset, timestamp: last + second, ..one });
    }
    actions
}

fn normalized(count: PartitionCount, codec: &Codec, actions: &[Lying]) -> Outputs {
    let mut outputs = Outputs::default();
    for partition in count.partitions() {
        let mut stage = stages(count, codec.clone()).create(partition).expect("the state is in memory");
        for one in actions.iter().filter(|one| one.partition == partition.number()) {
            stage.process(&one.record(), &mut outputs).expect("the codec is within the process");
        }
    }
    outputs
}

/// The normalizer of dumps, its state in memory.
pub(crate) fn stages(count: PartitionCount, codec: Codec) -> NormalizerStages {
    NormalizerStages::new(config(count, codec))
}

/// How the normalizer of dumps is configured.
pub(crate) fn config(count: PartitionCount, codec: Codec) -> NormalizerConfig {
    NormalizerConfig { max_value_bytes: LIMIT, ..NormalizerConfig::new(count, codec) }
}

/// The time of an action, as a restore is told it.
pub(crate) fn time(action: &Lying) -> Millis {
    Millis::new(action.timestamp)
}
