//! Every action accounted for from the records alone: a trail that runs, is replayed and rebuilt agrees; a copy of its topics
//! with one event left out and one doubled does not, and both are named.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use serde_json::{Value, json};
use testkit::{End, Placed, Raw, Sending, Taken, wait_until};
use tests::trail::{
    Done, LONG, PARTITIONS, REPLAY_MENDED, Site, action, actions_topic, generated, in_partition, raw,
};

use super::observed::address;

/// What the command says, row by row.
fn rows(done: &Done) -> Vec<Value> {
    done.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The rows that say this, each as topic, partition, offset and key.
fn found(done: &Done, what: &str) -> Vec<(String, i64, Option<i64>, String)> {
    let place = |row: Value| {
        let text = |name: &str| row[name].as_str().expect(name).to_owned();
        (text("topic"), row["partition"].as_i64().expect("a number"), row["offset"].as_i64(), text("key"))
    };
    rows(done).into_iter().filter(|row| row["what"] == what).map(place).collect()
}

/// Reconciles a trail that must agree; how many actions were judged.
#[track_caller]
fn agrees(site: &Site, args: &[&str]) -> u64 {
    let all = [&["reconcile", "-o", "jsonl"], args].concat();
    let done = site.done(&all);
    let accounts: Vec<_> = rows(&done).into_iter().filter(|row| row["what"] == "account").collect();
    assert!(!accounts.is_empty(), "{}", done.out);
    assert!(done.err.contains("; the trail agrees"), "{}", done.err);
    accounts.iter().map(|row| row["actions"].as_u64().expect("a number")).sum()
}

#[test]
fn a_trail_that_runs_is_replayed_and_rebuilt_agrees() {
    let Some(site) = Site::fresh() else { return };
    let mut normalizer = site.run("n", &["--stage", "normalizer"]);
    let mut aggregator = site.run("a", &["--stage", "aggregator", "--leave"]);
    // An action that nobody sees.
    let sending = Sending { transaction: Some(("platform".into(), End::Abort)), ..Sending::default() };
    let tenant = in_partition("reconciled", 1);
    site.kafka.produce_as(
        &sending,
        [Raw::to(&actions_topic()).key(tenant.as_str()).value(action(&tenant, "x", json!({})))],
    );

    // While actions come, and both stages commit all the time.
    let mut actions = generated(12_000, 5).map(raw);
    let watch = site.watch(Topic::Events);
    let mut judged = Vec::new();
    for _ in 0..4 {
        let before = watch.written();
        std::thread::scope(|scope| {
            let batch: Vec<_> = actions.by_ref().take(2500).collect();
            let sent = scope.spawn(|| site.send(batch));
            wait_until(LONG, "events while actions come", || watch.written() > before);
            judged.push(agrees(&site, &[]));
            sent.join().expect("sent");
        });
    }
    assert!(judged.is_sorted() && judged[0] < judged[3], "it goes on meanwhile: {judged:?}");
    site.send(actions);
    site.await_caught_up(&mut [&mut normalizer, &mut aggregator]);
    let url = format!("http://{}", address(&normalizer));
    let all = agrees(&site, &["--metrics", &url]);
    assert!(all >= 12_000, "{all}");

    let replayed = site.done(&REPLAY_MENDED);
    assert!(!replayed.err.starts_with("0 replayed"), "{}", replayed.err);
    site.await_caught_up(&mut [&mut normalizer, &mut aggregator]);
    assert!(agrees(&site, &[]) > all);
    aggregator.signal(testkit::Signal::Term);
    assert!(aggregator.wait(LONG).success(), "{}", aggregator.stderr());
    site.done(&["reports", "rebuild", "certificate", "--yes"]);
    assert!(agrees(&site, &[]) > all);
}

#[test]
fn a_copy_with_one_event_left_out_and_one_doubled_differs_and_both_are_named() {
    let Some(site) = Site::fresh() else { return };
    let mut running = site.run("one", &[]);
    site.send(generated(3000, 23).map(raw));
    site.await_caught_up(&mut [&mut running]);
    let judged = agrees(&site, &[]);
    running.kill();

    let Some(copy) = Site::fresh() else { return };
    let (left_out, doubled) = copied(&site, &copy);
    let done = copy.end_of(&["reconcile", "-o", "jsonl"]);
    assert_eq!(done.status.code(), Some(3), "{}{}", done.out, done.err);
    let accounts = rows(&done).into_iter().filter(|row| row["what"] == "account");
    assert_eq!(accounts.map(|row| row["actions"].as_u64().expect("a number")).sum::<u64>(), judged);
    let expected = (actions_topic(), left_out.action.0, Some(left_out.action.1), left_out.key);
    assert_eq!(found(&done, "lost"), [expected], "{}", done.err);
    let doubles = found(&done, "doubled");
    let [(topic, partition, Some(offset), key)] = &doubles[..] else { panic!("{doubles:?}") };
    let at = (*partition, *offset);
    assert_eq!((topic, at, key), (&Topic::Events.name(), doubled.copy, &doubled.key));
    let differing: Vec<_> = found(&done, "ledger_differs").into_iter().map(|(.., key)| key).collect();
    assert_eq!(differing.len(), 2, "the rows of both: {differing:?}");
    for kind in ["unexplained", "out_of_order", "reroute_differs"] {
        assert_eq!(found(&done, kind), [], "{kind}");
    }
    let table = copy.end_of(&[
        "reconcile",
        "--offsets",
        &format!("{}:{}..{}", left_out.action.0, left_out.action.1, left_out.action.1 + 1),
    ]);
    assert_eq!(table.status.code(), Some(3), "{}", table.err);
    assert!(table.err.contains("1 actions; the trail differs: 1 lost"), "{}", table.err);
}

/// One event of the original, its action and its place in the copy.
struct Picked {
    action: (i64, i64),
    key: String,
    copy: (i64, i64),
}

/// Copies all topics: actions at their offsets, of the events one left out and another doubled.
fn copied(site: &Site, copy: &Site) -> (Picked, Picked) {
    copy_actions(site, copy);
    let mut picked = None;
    for topic in Topic::all().filter(|topic| *topic != Topic::Actions) {
        let name = topic.name();
        let mut records = site.kafka.read(&name);
        if topic == Topic::Events {
            picked = Some(tampered(&mut records, &site.actions()));
        }
        let placed = copy.send(records.iter().map(|record| again(&name, record)));
        if let Some((_, doubled)) = picked.as_mut().filter(|_| topic == Topic::Events) {
            let same = records
                .iter()
                .rposition(|record| event_action(record) == doubled.action)
                .expect("it was doubled");
            let Placed { partition, offset } = placed[same];
            doubled.copy = (i64::from(partition), offset);
        }
    }
    picked.expect("there is a topic of events")
}

/// Leaves one event out and doubles another, in partitions that have some.
fn tampered(events: &mut Vec<Taken>, actions: &[Taken]) -> (Picked, Picked) {
    let pick = |place: usize| {
        let action = event_action(&events[place]);
        let of = |taken: &&Taken| (i64::from(taken.partition), taken.offset) == action;
        let key = actions.iter().find(of).expect("it has an action").key_text();
        Picked { action, key: key.to_owned(), copy: (0, 0) }
    };
    let gone = events.len() / 3;
    // Of another tenant, so that the two do not make up for each other in one row of the ledger.
    let twice = (events.len() / 2..events.len()).find(|place| events[*place].key != events[gone].key);
    let twice = twice.expect("there are several tenants");
    let picked = (pick(gone), pick(twice));
    events.insert(twice, events[twice].clone());
    events.remove(gone);
    picked
}

fn event_action(event: &Taken) -> (i64, i64) {
    let value = event.value.as_deref().expect("a value");
    let event = Codec::single_object().decoder().event(value).expect("an event of ours");
    (i64::from(event.provenance.partition), event.provenance.offset)
}

fn again(topic: &str, taken: &Taken) -> Raw {
    let mut raw = Raw::to(topic).partition(taken.partition);
    raw = taken.timestamp_ms.map_or(raw.clone(), |at| raw.timestamp_ms(at));
    if let Some(key) = &taken.key {
        raw = raw.key(key.clone());
    }
    if let Some(value) = &taken.value {
        raw = raw.value(value.clone());
    }
    taken.headers.iter().fold(raw, |raw, (name, value)| match value {
        Some(value) => raw.header(name, value.clone()),
        None => raw.null_header(name),
    })
}

/// Copies the actions so that each keeps its offset: what takes up offsets in the original without being seen (markers, aborted
/// records) is replaced by markers and aborted records.
fn copy_actions(site: &Site, copy: &Site) {
    let name = actions_topic();
    let mut by_partition: BTreeMap<i32, Vec<Taken>> = BTreeMap::new();
    for taken in site.actions() {
        by_partition.entry(taken.partition).or_default().push(taken);
    }
    assert_eq!(by_partition.len(), PARTITIONS as usize);
    for (partition, all) in by_partition {
        let (_, end) = site.kafka.offsets(&name, partition);
        let mut next = 0;
        for run in all.chunk_by(|one, other| one.offset + 1 == other.offset) {
            skip(copy, partition, run[0].offset - next);
            next = run[0].offset + i64::try_from(run.len()).expect("few");
            let after = all.iter().map(|one| one.offset).find(|offset| *offset >= next).unwrap_or(end);
            let records = run.iter().map(|taken| again(&name, taken));
            // A marker alone is what a transaction of these very records leaves behind.
            let is_marker_next = after == next + 1;
            let sending = Sending {
                transaction: is_marker_next.then(|| ("copy".to_owned(), End::Commit)),
                ..Sending::default()
            };
            let placed = copy.kafka.produce_as(&sending, records);
            assert!(
                placed.iter().map(|at| at.offset).eq(run.iter().map(|taken| taken.offset)),
                "{partition}"
            );
            next += i64::from(is_marker_next);
        }
    }
}

/// Takes up this many offsets: aborted records and the marker of that.
fn skip(copy: &Site, partition: i32, offsets: i64) {
    assert_ne!(offsets, 1, "a marker alone cannot be written");
    if offsets > 0 {
        let sending = Sending { transaction: Some(("skip".to_owned(), End::Abort)), ..Sending::default() };
        let filler = (1..offsets).map(|_| Raw::to(&actions_topic()).partition(partition));
        copy.kafka.produce_as(&sending, filler);
    }
}
