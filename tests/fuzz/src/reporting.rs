//! The aggregator over rows and events that nobody checked but the schema: it folds them, whenever commits fall, or stops.

use std::collections::BTreeMap;

use catalog::{AuditEvent, Category, Topic, View};
use pipeline::{AggregatorStages, topic_index};
use stage::{Outcome, Partition, StageFactory};

use crate::blocks::pieces;
use crate::framing::{self, DECODER};
use crate::kept::{Kept, Sent};

/// Rows and events at most.
const MOST: usize = 16;
const PARTITION: Partition = Partition::new(2);

/// Pieces: the choice says what the datum is, an event (0) or a row of one of three views (1 to 3), and beyond that of which
/// category. What is no such datum is left out.
pub(crate) fn body(data: &[u8]) {
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    for (choice, datum) in pieces(data, MOST) {
        let category = Category::ALL[usize::from(choice / 4) % Category::ALL.len()];
        match choice % 4 {
            0 => events.extend(event(datum)),
            view => rows.extend(row(category, View::ALL[usize::from(view) - 1], datum)),
        }
    }
    let [at_once, one_by_one] = [usize::MAX, 1].map(|commits| fold(&rows, &events, commits));
    assert_eq!(at_once, one_by_one, "when commits fall changes what rows say");
}

/// What a run comes to: the last row of each key, or nothing where the stage stopped.
type Rows = Option<BTreeMap<(Topic, Vec<u8>), Option<Vec<u8>>>>;

fn fold(rows: &[Kept], events: &[Kept], commits: usize) -> Rows {
    let mut stage = AggregatorStages::new(framing::codec()).create(PARTITION).expect("memory opens");
    for (offset, row) in (0..).zip(rows) {
        stage.restore(topic_index(row.topic), &row.record(offset)).ok()?;
    }
    let mut sent = Sent::default();
    for batch in events.chunks(commits.min(events.len().max(1))) {
        for event in batch {
            match stage.process(&event.record(0), &mut sent).ok()? {
                Outcome::Emit { .. } => {}
                other => panic!("an audit event came to {other:?}"),
            }
        }
        stage.flush(&mut sent).ok()?;
        stage.commit(&stage::Mark::unkept()).expect("the state is in memory");
    }
    let last = sent.0.into_iter().map(|one| ((one.topic, one.key.expect("a row has a key")), one.value));
    Some(last.collect())
}

fn event(datum: &[u8]) -> Option<Kept> {
    let value = framing::versions("audit-event", datum).pop()?;
    let event: AuditEvent<'_> = DECODER.with(|decoder| decoder.event(&value)).ok()?;
    Some(kept(Topic::Events, "acme".into(), event.received_at.millis(), value))
}

fn row(category: Category, view: View, datum: &[u8]) -> Option<Kept> {
    let schema = match view {
        View::Activity => "activity",
        View::Actors => "actors",
        View::Register => "register",
    };
    let value = framing::versions(schema, datum).pop()?;
    let (key, at) = DECODER
        .with(|decoder| match view {
            View::Activity => decoder.activity(&value).map(|row| (row.key(), row.received_at)),
            View::Actors => decoder.actors(&value).map(|row| (row.key(), row.received_at)),
            View::Register => decoder.register(&value).map(|row| (row.key(), row.received_at)),
        })
        .ok()?;
    Some(kept(Topic::Report(category, view), key, at.millis(), value))
}

fn kept(topic: Topic, key: String, timestamp: i64, value: Vec<u8>) -> Kept {
    let (key, value) = (Some(key.into_bytes()), Some(value));
    Kept { topic, partition: PARTITION.number(), timestamp, key, value, headers: Vec::new() }
}
