//! The normalizer over logs of anything: exactly one outcome for each record, the same one whenever it is asked, whatever form
//! the action comes in, and whether or not it was restarted in between.

use std::cell::RefCell;

use catalog::Topic;
use codec::{Codec, Encoder};
use pipeline::{NormalizerConfig, NormalizerStages, topic_index};
use stage::{
    Header, Millis, Offset, Outcome, Partition, PartitionCount, ReadFrom, Record, RestorePoint, Stage,
    StageFactory, TopicIndex,
};

use crate::blocks::{Block, blocks};
use crate::kept::{Kept, Sent};
use crate::outcome::process;

/// Partitions of every topic.
pub(crate) const COUNT: PartitionCount = PartitionCount::new(3).expect("3 is a count");
/// The most bytes of a value: small, so that the limit is met.
const LIMIT: usize = 4096;
/// The broker's time at the first record, 2026-11-02T09:14:04Z, in milliseconds.
pub(crate) const NOW: i64 = 1_793_610_844_000;
/// In milliseconds.
const HOUR: i64 = 3_600_000;
/// Records of a log at most.
const MOST: usize = 12;
/// Bytes that `@pad` and `@fill` add at most: over every limit.
const PADDING: i64 = 80_000;

thread_local! {
    static ENCODER: RefCell<Encoder> = RefCell::new(Codec::single_object().encoder());
}

/// A log: blocks, of which the header lines `@key`, `@after` (milliseconds since the record before), `@back` (by how much the
/// broker's clock stepped back) and `@fill` (so many spaces after the value) are no headers of the record.
pub(crate) fn log(data: &[u8]) {
    let log = read(data);
    let (mut stage, mut sent) = (stage(), Sent::default());
    let outcomes = pass(stage.as_mut(), &log, 0, &mut sent);
    restarted(&log, &sent, &outcomes);
    in_other_forms(&log, &outcomes);
}

/// One record whose value is a good action: all that matters lies in `@key`, `@pad` (a header of so many bytes) and headers.
pub(crate) fn headers(data: &[u8]) {
    let mut block = Block::read(data);
    let key = block.take("@key");
    let pad = block.number("@pad").map(padding);
    let mut headers = block.headers;
    headers.extend(pad.as_deref().map(|pad| Header::new("pad", Some(pad))));
    let value = br#"{"tenant":"acme","id":"a-1","source":"lms.web","action":"course.updated","occurred_at":1793610843000,"actor":{"kind":"user","id":"u-9"},"object":{"kind":"course","id":"o-1"}}"#;
    for partition in COUNT.partitions() {
        let value = Some(&value[..]);
        let record = Record {
            partition,
            offset: Offset::new(7),
            timestamp: Millis::new(NOW),
            key,
            value,
            headers: headers.clone(),
        };
        let mut sent = [Sent::default(), Sent::default()];
        let outcomes = sent
            .each_mut()
            .map(|sent| process(stages().create(partition).expect("memory opens").as_mut(), &record, sent));
        assert_eq!((outcomes[0], &sent[0]), (outcomes[1], &sent[1]), "two stages, two verdicts");
        moved(&sent[0], outcomes[0]);
    }
}

/// A re-routed action comes to rest where it was sent to: it is not moved again.
fn moved(sent: &Sent, outcome: Outcome) {
    let Outcome::Reroute(partition) = outcome else { return };
    let moved = sent.to(Topic::Actions).next().expect("a re-routed action was sent on");
    let there = process(
        stages().create(partition).expect("memory opens").as_mut(),
        &moved.record(0),
        &mut Sent::default(),
    );
    assert!(!matches!(there, Outcome::Reroute(_)), "it was moved twice");
}

fn padding(count: i64) -> Vec<u8> {
    vec![b' '; usize::try_from(count.clamp(0, PADDING)).expect("it is clamped")]
}

fn read(data: &[u8]) -> Vec<Kept> {
    let mut time = NOW;
    let record = |mut block: Block<'_>| {
        let key = block.take("@key").map(<[u8]>::to_vec);
        time += block.number("@after").unwrap_or(1).clamp(0, 40 * 24 * HOUR);
        let back = block.number("@back").unwrap_or(0).clamp(0, HOUR - 60_000);
        let fill = padding(block.number("@fill").unwrap_or(0));
        Kept {
            topic: Topic::Actions,
            partition: home().number(),
            timestamp: time - back,
            key,
            value: block.value.map(|value| [value, &fill].concat()),
            headers: block.headers.iter().map(|h| (h.name.to_vec(), h.value.map(<[u8]>::to_vec))).collect(),
        }
    };
    blocks(data, MOST).map(record).collect()
}

/// The partition of `acme`, where every log lies.
fn home() -> Partition {
    COUNT.partition_of(b"acme")
}

fn stages() -> NormalizerStages {
    let config = NormalizerConfig::new(COUNT, Codec::single_object());
    NormalizerStages::new(NormalizerConfig { max_value_bytes: LIMIT, ..config })
}

fn stage() -> Box<dyn Stage> {
    stages().create(home()).expect("memory opens")
}

/// One transaction: these records, whose first has this offset.
fn pass(stage: &mut dyn Stage, log: &[Kept], first: i64, sent: &mut Sent) -> Vec<Outcome> {
    let outcomes =
        (first..).zip(log).map(|(offset, one)| process(stage, &one.record(offset), sent)).collect();
    stage.flush(sent).expect("the state is in memory");
    stage.commit(&stage::Mark::unkept()).expect("the state is in memory");
    outcomes
}

/// A stage that was restored after half of the log from what the first had sent goes on as if nothing had been.
fn restarted(log: &[Kept], whole: &Sent, outcomes: &[Outcome]) {
    let half = log.len() / 2;
    let (mut first, mut sent) = (stage(), Sent::default());
    let mut found = pass(first.as_mut(), &log[..half], 0, &mut sent);
    let mut second = stage();
    let time = log.get(half).map(|record| Millis::new(record.timestamp));
    restore(second.as_mut(), topic_index(Topic::Ledger), ReadFrom::Start, &sent);
    for changelog in second.changelogs(RestorePoint { time }) {
        restore(second.as_mut(), changelog.topic, changelog.from, &sent);
    }
    found.extend(pass(second.as_mut(), &log[half..], half as i64, &mut sent));
    assert_eq!(found, outcomes, "a restart changed a verdict");
    for topic in [Topic::Events, Topic::Receipts, Topic::DeadLetters, Topic::Actions] {
        assert!(sent.to(topic).eq(whole.to(topic)), "a restart changed what lies in {}", topic.name());
    }
    for topic in [Topic::Ledger, Topic::Settings] {
        assert_eq!(sent.rows(topic), whole.rows(topic), "a restart changed the rows of {}", topic.name());
    }
}

/// As Kafka reads from a time: from the first record that is not older, whatever follows it.
fn restore(stage: &mut dyn Stage, topic: TopicIndex, from: ReadFrom, sent: &Sent) {
    let all = sent.to(Topic::all().nth(topic.index()).expect("a topic of the trail"));
    let older = |one: &&Kept| matches!(from, ReadFrom::Time(time) if one.timestamp < time.get());
    for (offset, one) in (0..).zip(all.skip_while(older)) {
        stage.restore(topic, &one.record(offset)).expect("it reads what it wrote");
    }
}

/// Each action that was recorded comes again at once, as JSON and as Avro made of its event: both are its duplicates.
fn in_other_forms(log: &[Kept], outcomes: &[Outcome]) {
    let (mut stage, mut sent) = (stage(), Sent::default());
    for ((offset, one), outcome) in (0..).zip(log).zip(outcomes) {
        assert_eq!(
            process(stage.as_mut(), &one.record(offset), &mut sent),
            *outcome,
            "a duplicate changed a verdict"
        );
        if !matches!(outcome, Outcome::Emit { .. }) {
            continue;
        }
        let value =
            sent.to(Topic::Events).last().and_then(|event| event.value.clone()).expect("it was recorded");
        let event = Codec::single_object().decoder().event(&value).expect("what we wrote can be read");
        let mut avro = Vec::new();
        let written = ENCODER.with_borrow_mut(|encoder| encoder.action(&event.action, &mut avro));
        written.expect("an action that was read can be written");
        for value in
            [codec::action_json(&event.action), avro].into_iter().filter(|value| value.len() <= LIMIT)
        {
            let again = Kept { value: Some(value), headers: Vec::new(), ..one.clone() };
            let outcome = process(stage.as_mut(), &again.record(offset), &mut Sent::default());
            assert_eq!(outcome, Outcome::Skip("duplicate"), "in another form it is another action");
        }
    }
}
