//! The aggregator through the `Stage` trait, from bytes to bytes.

mod any_order;
mod measure;
mod restore;

use catalog::{Category, Topic, View};
use codec::{Codec, RegistryClient, RegistryConfig};
use stage::{Label, Millis, Offset, Outcome, StageError, StageFactory};

use super::testing::*;
use super::*;

fn register(category: Category) -> Topic {
    Topic::Report(category, View::Register)
}

#[test]
fn it_reads_events_and_writes_reports_and_coverage() {
    let stages = AggregatorStages::new(Codec::single_object());
    let spec = stages.spec();
    assert_eq!((spec.name, spec.topic(spec.input)), ("aggregator", "lms.audit.events.v1"));
    assert_eq!(spec.topics.len(), Topic::COUNT);
    let outputs: Vec<_> = spec.outputs.iter().map(|topic| spec.topic(*topic)).collect();
    assert_eq!(outputs.len(), 37);
    assert_eq!(outputs[0], "lms.audit.reports.catalog.activity.v1");
    assert_eq!(outputs[36], spec.topic(spec.ledger));
    let changelogs =
        stages.create(PARTITION).expect("memory opens").changelogs(stage::RestorePoint { time: None });
    assert!(changelogs.iter().map(|changelog| changelog.topic).eq(spec.outputs[..36].iter().copied()));
}

#[test]
fn an_event_counts_as_its_category_when_it_occurred() {
    let mut run = Run::new();
    let values = encode(&[event(1, "certificate.issued", 7, 9)]);
    let outcome = run.process(&values[0]).expect("an event");
    let occurred_at = Millis::new(at(7).millis());
    assert_eq!(outcome, Outcome::Emit { class: "certificate", occurred_at });
    assert!(run.stage.rows().iter().all(|(_, rows)| *rows == 0), "nothing is state before the commit");
    run.commit();
    let expected: [(Label, u64); 3] = [("activity", 2), ("actors", 1), ("register", 1)];
    assert_eq!(run.stage.rows(), expected);
}

#[test]
fn each_changed_row_is_sent_once_by_topic_and_key_with_its_received_at() {
    let events: Vec<_> = (0..40)
        .map(|id| {
            let action = ["course.started", "certificate.issued", "api_key.generated"][id as usize % 3];
            of(event(id, action, 60, 100 + i64::from(id)), &format!("u-{}", id % 5), "o-1")
        })
        .collect();
    let run = run(&encode(&events), &[40]);
    let keys: Vec<_> = run.sent.iter().map(|sent| (topic_index(sent.topic), sent.key.clone())).collect();
    assert!(keys.is_sorted_by(|one, other| one < other), "{keys:?}");
    assert_eq!(keys.len(), 3 * 3 + 5 + 5 + 1 + 1, "and coverage last");
    let progress = run.sent.iter().find(|sent| sent.key == "acme/progress/u-4/course/o-1").expect("sent");
    assert_eq!(progress.timestamp, Millis::new(at(139).millis()), "the greatest of its events");
}

#[test]
fn a_commit_without_changes_sends_none_and_rows_are_not_sent_again() {
    let values = encode(&[event(1, "course.started", 0, 1), event(2, "session.created", 0, 2)]);
    let mut run = run(&values[..1], &[1]);
    let sent = run.sent.len();
    run.commit();
    assert_eq!(run.sent.len(), sent + 1, "coverage alone");
    run.batches(&values[1..], &[1]);
    assert!(run.sent[sent + 1..].iter().all(|sent| !sent.key.contains("progress")));
}

#[test]
fn a_purge_sends_a_tombstone_with_its_own_time() {
    let events = [
        event(1, "course.started", 10, 11),
        event(2, "learner.purged", 20, 4000),
        event(3, "course.completed", 15, 5000),
    ];
    let run = run(&encode(&events), &[1, 1, 1]);
    let last = compacted(&run.sent);
    let topic = register(Category::CourseAndTrainingPlan);
    let tombstone = last[&(topic, "acme/progress/u-1/course/o-1")];
    assert_eq!((&tombstone.value, tombstone.timestamp), (&None, Millis::new(at(4000).millis())));
    assert!(last[&(register(Category::UserStatus), "acme/purge/u-1")].value.is_some());
    assert_eq!(run.stage.rows()[2], ("register", 1));
}

#[test]
fn what_is_no_audit_event_stops_the_stage_and_says_where() {
    let mut run = Run::new();
    let good = encode(&[event(1, "course.started", 0, 1)]);
    run.process(&good[0]).expect("an event");
    let Err(StageError::Stop(message)) = run.process(b"{}") else { panic!("no stop") };
    assert!(message.starts_with("lms.audit.events.v1, partition 2, offset 1: "), "{message}");
    let tombstone = record(9, Some(b"acme"), None, Millis::new(0));
    let stopped = run.stage.process(&tombstone, &mut Collected::default());
    let message = "lms.audit.events.v1, partition 2, offset 9: an audit event has no value";
    assert_eq!(stopped, Err(StageError::Stop(message.into())));
    let mut lacking = event(2, "course.started", 0, 1);
    lacking.action.user = None;
    let Err(StageError::Stop(message)) = run.process(&encode(&[lacking])[0]) else { panic!("no stop") };
    assert!(message.contains("offset 2: an event of course.started has no user"), "{message}");
}

/// A schema registry that does not answer is waited for: neither the event nor the rows are at fault.
#[test]
fn an_absent_registry_is_tried_again() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let url = format!("http://{}", closed.expect("a free port"));
    let registry = RegistryClient::new(&RegistryConfig::new(&url));
    let mut stage =
        AggregatorStages::new(Codec::with_registry(registry)).create(PARTITION).expect("memory opens");
    let mut sink = Collected::default();
    let framed = record(4, Some(b"acme"), Some(b"\0\0\0\0\x07rest"), Millis::new(0));
    let Err(StageError::Retry(message)) = stage.process(&framed, &mut sink) else { panic!("no retry") };
    assert!(message.starts_with("lms.audit.events.v1, partition 2, offset 4: "), "{message}");
    let value = encode(&[event(1, "course.started", 0, 1)]);
    let readable = record(4, Some(b"acme"), Some(&value[0]), Millis::new(0));
    stage.process(&readable, &mut sink).expect("names its schema by fingerprint");
    let Err(StageError::Retry(message)) = stage.flush(&mut sink) else { panic!("no retry") };
    assert!(message.starts_with("lms.audit.reports.course-and-training-plan."), "{message}");
}

#[test]
fn expired_offsets_become_a_receipt() {
    let mut run = Run::new();
    let mut sink = Collected::default();
    let now = Millis::new(1_793_577_600_000);
    run.stage.expire(Offset::new(5), Offset::new(9), now, &mut sink).expect("encodes");
    let [sent] = &sink.0[..] else { panic!("{:?}", sink.0) };
    assert_eq!((sent.topic, sent.key.as_str(), sent.timestamp), (Topic::Receipts, "~expired", now));
    let value = sent.value.as_deref().expect("a receipt");
    let receipt = Codec::single_object().decoder().receipt(value).expect("a receipt");
    let expected = catalog::Receipt::Expired {
        topic: "lms.audit.events.v1".into(),
        stage: "aggregator".into(),
        partition: 2,
        from: 5,
        until: 9,
        found_at: at(0),
    };
    assert_eq!(receipt, expected);
}

/// Rows go with the trail's own clock, 430 days after they were last received, and not before.
#[test]
fn cleared_rows_leave_the_state_but_not_what_lives() {
    let start = |id, object: &str, occurred, received| {
        of(event(id, "course.started", occurred * DAY, received * DAY), "u-1", object)
    };
    let mut run = Run::new();
    for (events, activity, actors) in [
        (vec![start(1, "a", 0, 0), start(2, "b", 1, 0)], 4, 2),
        (vec![start(3, "c", 1, 20)], 4, 2),
        (vec![start(4, "d", 430, 430)], 6, 3),
        // Two days later only what was received on day 0 is cleared; the next look is a week away.
        (vec![start(5, "e", 432, 432)], 8, 4),
        (vec![start(6, "f", 445, 445)], 8, 4),
        // The row of day 1 is made anew in the transaction that drops what it was.
        (vec![start(7, "g", 1, 870)], 2 + 2, 1 + 1),
    ] {
        for value in encode(&events) {
            run.process(&value).expect("an event");
        }
        run.commit();
        let rows = run.stage.rows();
        assert_eq!((rows[0].1, rows[1].1), (activity, actors), "after {}", events[0].action.id);
    }
}
