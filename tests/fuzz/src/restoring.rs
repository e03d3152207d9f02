//! What a normalizer restores from: its own topics, in which something else may lie. It stops and says so, or goes on.

use std::sync::LazyLock;

use catalog::Topic;
use codec::LedgerRecord;
use pipeline::{NormalizerConfig, NormalizerStages, topic_index};
use stage::{Stage, StageError, StageFactory};

use crate::blocks::pieces;
use crate::framing;
use crate::kept::{Kept, Sent};
use crate::normalizing::{COUNT, NOW};

/// Records at most.
const MOST: usize = 16;

/// Topics that are restored from, with their schemas.
const TOPICS: [(Topic, &str); 4] = [
    (Topic::Ledger, "ledger"),
    (Topic::Settings, "setting"),
    (Topic::Events, "audit-event"),
    (Topic::Receipts, "receipt"),
];

/// Actions that meet what was restored: a course that sets something, a certificate that it may suppress.
const ACTIONS: [&str; 2] = [
    r#"{"tenant":"acme","id":"a-1","source":"lms.web","action":"course.updated","occurred_at":1793610843000,"sequence":7,"actor":{"kind":"user","id":"u-9"},"object":{"kind":"course","id":"c-9"},"attributes":{"certificate_expiry":"enabled"}}"#,
    r#"{"tenant":"acme","id":"a-2","source":"lms.web","action":"certificate.expired","occurred_at":1793610843000,"actor":{"kind":"system"},"user":{"id":"u-17"},"object":{"kind":"certificate","id":"z-1"},"within":[{"kind":"course","id":"c-9"}]}"#,
];

/// These actions as records, and the events that are made of them.
pub(crate) static INPUT: LazyLock<Vec<Kept>> =
    LazyLock::new(|| ACTIONS.iter().map(|action| record(b"acme".to_vec(), Some((*action).into()))).collect());
pub(crate) static EVENTS: LazyLock<Vec<Kept>> = LazyLock::new(|| {
    let stages = NormalizerStages::new(NormalizerConfig::new(COUNT, framing::codec()));
    let mut stage = stages.create(COUNT.partition_of(b"acme")).expect("the state is in memory");
    let mut sent = Sent::default();
    for (offset, one) in (0..).zip(INPUT.iter()) {
        stage.process(&one.record(offset), &mut sent).expect("the registry is within the process");
    }
    sent.to(Topic::Events).cloned().collect()
});

/// Pieces: the choice names the topic and, from 128, that the piece is the key of a tombstone; else it is the datum.
pub(crate) fn normalizer(data: &[u8]) {
    let config = NormalizerConfig::new(COUNT, framing::codec());
    let mut stage = NormalizerStages::new(config).create(COUNT.partition_of(b"acme")).expect("memory opens");
    for (choice, piece) in pieces(data, MOST) {
        let (topic, schema) = TOPICS[usize::from(choice) % TOPICS.len()];
        let values = framing::versions(schema, piece).into_iter().map(Some);
        let values: Vec<_> = if choice < 128 { values.collect() } else { vec![None] };
        for value in values {
            let key = value.as_deref().map_or_else(|| piece.to_vec(), |value| key(topic, value));
            if let Err(error) = stage.restore(topic_index(topic), &record(key, value).record(0)) {
                assert!(matches!(error, StageError::Stop(_)), "{error:?}");
                return;
            }
        }
    }
    go_on(stage.as_mut());
}

fn go_on(stage: &mut dyn Stage) {
    let mut sent = Sent::default();
    for (offset, one) in (0..).zip(INPUT.iter()) {
        let _any_outcome = crate::outcome::process(stage, &one.record(offset), &mut sent);
    }
    stage.flush(&mut sent).expect("what was restored can be written");
    stage.commit(&stage::Mark::unkept()).expect("the state is in memory");
    assert!(!stage.rows().is_empty());
}

/// The key that such a row has, so that it meets what the actions change.
fn key(topic: Topic, value: &[u8]) -> Vec<u8> {
    framing::DECODER.with(|decoder| match topic {
        Topic::Ledger => match decoder.ledger(value) {
            Ok(LedgerRecord::Account(row)) => row.key().into_bytes(),
            Ok(LedgerRecord::Sequence(row)) => row.key().into_bytes(),
            _ => b"~".to_vec(),
        },
        Topic::Settings => {
            decoder.setting(value).map_or_else(|_| b"~".to_vec(), |row| row.key().into_bytes())
        }
        _ => b"acme".to_vec(),
    })
}

/// A record of `acme`'s partition.
pub(crate) fn record(key: Vec<u8>, value: Option<Vec<u8>>) -> Kept {
    let partition = COUNT.partition_of(b"acme").number();
    Kept { topic: Topic::Actions, partition, timestamp: NOW, key: Some(key), value, headers: Vec::new() }
}
