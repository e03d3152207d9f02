//! A log of audit events, a stage that reads it, and what it sends, for this stage's tests.

use std::collections::BTreeMap;

use catalog::{
    Action, Actor, ActorKind, AuditEvent, Digest, EventId, Identity, Micros, Need, Object, Provenance,
    TenantId, Topic, User, catalog,
};
use codec::Codec;
use stage::{
    Coverage, Mark, Millis, Offset, Outcome, Output, Partition, Record, RestorePoint, Sink, Stage,
    StageError, StageFactory,
};

use super::AggregatorStages;
use crate::topics::topic_index;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const PARTITION: Partition = Partition::new(2);

/// A time some seconds after 2026-11-02T00:00:00Z.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new((1_793_577_600 + seconds) * 1_000_000)
}

/// An event of this action, received at this second: as much of it as the catalog asks for.
pub(crate) fn event(id: u32, action: &str, occurred: i64, received: i64) -> AuditEvent<'static> {
    let entry = catalog().action(action).expect("in the catalog");
    let tenant = TenantId::try_from("acme").expect("valid");
    let id = format!("e-{id}");
    let thing = |kind: &&'static str| Object { kind: (*kind).into(), id: "o-1".into(), title: None };
    let user = User { id: "u-1".into(), name: Some("Ada Lovelace".into()) };
    AuditEvent {
        event_id: EventId::of(at(occurred), &Identity::of(&tenant, "lms", &id)),
        received_at: at(received),
        provenance: Provenance { partition: 2, offset: 0, digest: Digest::new(1, [7; 32]) },
        catalog_version: 1,
        action: Action {
            id: id.into(),
            source: "lms".into(),
            entry,
            occurred_at: at(occurred),
            tenant,
            actor: Actor {
                kind: ActorKind::User,
                id: Some("a-1".into()),
                name: Some("Grace Hopper".into()),
                roles: vec!["lms_admin".into()],
            },
            on_behalf_of: None,
            user: (entry.user == Need::Required).then_some(user),
            object: entry.object.first().map(thing),
            within: entry.within.first().map(thing).into_iter().collect(),
            changes: Vec::new(),
            attributes: vec![("enrolled_by".into(), "rule".into())],
            reason: None,
            origin: None,
            correlation_id: None,
            sequence: None,
        },
    }
}

/// Sets the ids of the user and the object, where the event has them.
pub(crate) fn of(mut event: AuditEvent<'static>, user: &str, object: &str) -> AuditEvent<'static> {
    if let Some(named) = &mut event.action.user {
        named.id = user.to_owned().into();
    }
    if let Some(named) = &mut event.action.object {
        named.id = object.to_owned().into();
    }
    event
}

/// Events as the topic holds them.
pub(crate) fn encode(events: &[AuditEvent<'_>]) -> Vec<Vec<u8>> {
    let mut encoder = Codec::single_object().encoder();
    let mut value = Vec::new();
    let one = |event| {
        encoder.event(event, &mut value).expect("writable");
        value.clone()
    };
    events.iter().map(one).collect()
}

/// A record that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp: Millis,
}

/// What was sent, in order.
#[derive(Default)]
pub(crate) struct Collected(pub(crate) Vec<Sent>);

impl Sink for Collected {
    fn send(&mut self, output: &Output<'_>) {
        assert_eq!(output.partition, PARTITION);
        assert!(output.headers.is_empty());
        self.0.push(Sent {
            topic: Topic::all().nth(output.topic.index()).expect("a topic"),
            key: String::from_utf8(output.key.expect("a key").to_vec()).expect("UTF-8"),
            value: output.value.map(Into::into),
            timestamp: output.timestamp,
        });
    }
}

/// The last record of each key, as compaction leaves them: tombstones too.
pub(crate) fn compacted(sent: &[Sent]) -> BTreeMap<(Topic, &str), &Sent> {
    sent.iter().map(|record| ((record.topic, record.key.as_str()), record)).collect()
}

/// The last rows: value and timestamp of each key that has not ended with a tombstone.
pub(crate) fn last_rows(sent: &[Sent]) -> BTreeMap<(Topic, &str), &Sent> {
    let mut rows = compacted(sent);
    rows.retain(|_, record| record.value.is_some());
    rows
}

/// A stage and all that it has committed.
pub(crate) struct Run {
    pub(crate) stage: Box<dyn Stage>,
    pub(crate) sent: Vec<Sent>,
    open: Collected,
    next: i64,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self::of(AggregatorStages::new(Codec::single_object()).create(PARTITION).expect("memory opens"), 0)
    }

    /// A stage that goes on after so many events.
    pub(crate) fn of(stage: Box<dyn Stage>, events: usize) -> Self {
        let next = i64::try_from(events).expect("few");
        Self { stage, sent: Vec::new(), open: Collected::default(), next }
    }

    /// A stage restored from what another has committed.
    pub(crate) fn restored(from: &Run) -> Self {
        let mut run = Self::new();
        let point = RestorePoint { time: None };
        let changelogs: Vec<_> =
            run.stage.changelogs(point).iter().map(|changelog| changelog.topic).collect();
        for topic in [topic_index(Topic::Ledger)].into_iter().chain(changelogs) {
            let records = from.sent.iter().filter(|sent| topic_index(sent.topic) == topic);
            for (offset, sent) in (0..).zip(records) {
                let key = Some(sent.key.as_bytes());
                let record = record(offset, key, sent.value.as_deref(), sent.timestamp);
                run.stage.restore(topic, &record).expect("its own record");
            }
        }
        run.sent = from.sent.clone();
        run.next = from.next;
        run
    }

    pub(crate) fn process(&mut self, value: &[u8]) -> Result<Outcome, StageError> {
        let record = record(self.next, Some(b"acme"), Some(value), Millis::new(0));
        self.next += 1;
        self.stage.process(&record, &mut self.open)
    }

    pub(crate) fn flush(&mut self) {
        self.stage.flush(&mut self.open).expect("encodes");
    }

    /// Flushes, covers and commits.
    pub(crate) fn commit(&mut self) {
        self.flush();
        let coverage = Coverage {
            next: Offset::new(self.next),
            last_read: Some(Millis::new(5)),
            cluster_id: "c".into(),
            topic_id: "t".into(),
            expired: 0,
        };
        self.stage.cover(&coverage, Millis::new(1_793_577_600_000), &mut self.open).expect("encodes");
        self.stage.commit(&Mark::unkept()).expect("memory takes all");
        self.sent.append(&mut self.open.0);
    }

    pub(crate) fn rollback(&mut self, next: i64) {
        self.stage.rollback();
        self.open.0.clear();
        self.next = next;
    }

    /// Processes the events in transactions of these sizes, the last ones again and again.
    pub(crate) fn batches(&mut self, events: &[Vec<u8>], sizes: &[usize]) {
        let mut rest = events;
        for size in sizes.iter().cycle() {
            let (batch, later) = rest.split_at((*size).min(rest.len()));
            for value in batch {
                self.process(value).expect("an event");
            }
            self.commit();
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// All that a stage sends for these events, in transactions of these sizes.
pub(crate) fn run(events: &[Vec<u8>], sizes: &[usize]) -> Run {
    let mut run = Run::new();
    run.batches(events, sizes);
    run
}

pub(crate) fn record<'a>(
    offset: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    timestamp: Millis,
) -> Record<'a> {
    Record { partition: PARTITION, offset: Offset::new(offset), timestamp, key, value, headers: Vec::new() }
}
