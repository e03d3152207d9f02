//! A flood of unknown actions on the embedded log: the stage stops before any of it is committed, and
//! goes on once a person has accepted it.

use std::sync::atomic::{AtomicI64, Ordering};

use catalog::Topic;
use embedded::{EmbeddedLog, Waiting};
use runtime::{Admin as _, Publisher as _};
use serde_json::json;

use super::*;
use crate::testing::FIRST_RECEIVED;
use crate::topics;

/// A log in which this many actions of each kind wait: known and unknown ones.
fn log(known: usize, unknown: usize) -> (EmbeddedLog, Config) {
    let time = AtomicI64::new(FIRST_RECEIVED);
    let mut log =
        EmbeddedLog::new(Arc::new(move || Millis::new(time.fetch_add(1, Ordering::Relaxed))), Waiting::Live);
    let mut config = Config::default();
    config.topics.partitions = 1;
    config.normalizer.stop_on_dead_letters = true;
    log.create(&topics::plan(&config)).expect("made");
    let mut publisher = log.publisher(&Topic::Actions.name()).expect("there");
    let names = std::iter::repeat_n("course.completed", known).chain(std::iter::repeat_n("x.y", unknown));
    for (number, name) in names.enumerate() {
        let action = json!({
            "id": number.to_string(), "source": "s", "action": name, "occurred_at": FIRST_RECEIVED,
            "tenant": "acme", "actor": {"kind": "system"}, "user": {"id": "u"},
            "object": {"kind": "course", "id": "c"},
        });
        publisher.publish(Some(b"acme"), action.to_string().as_bytes(), &[]).expect("taken");
    }
    (log, config)
}

fn start(log: &EmbeddedLog, config: &Config, accepted: Vec<(Partition, Offset)>) -> (Stages, Stop) {
    let limits = ops::Limits { tick: Duration::MAX, progress: Duration::MAX };
    let telemetry = Telemetry::register(&Registry::new(), Arc::new(Health::new(limits))).expect("fresh");
    let membership = MembershipKind::Leaving;
    let oldest_state = OldestState::default();
    let how = How { which: Which::Normalizer, workers: None, membership, accepted, oldest_state };
    let stop = Stop::default();
    let codec = Codec::single_object();
    (Stages::start(log, config, &codec, how, &telemetry, stop.clone()).expect("started"), stop)
}

fn written(log: &EmbeddedLog, topic: Topic) -> usize {
    log.dump(&topic.name(), Partition::new(0)).expect("there").len()
}

#[test]
fn a_flood_stops_the_stage_before_it_is_committed_until_it_is_accepted() {
    let (log, config) = log(30, 80);
    let (stages, _) = start(&log, &config, Vec::new());
    let error = stages.join().expect_err("it stops");
    let said = format!("{error:#}");
    assert!(said.contains("lms.actions.v1 partition 0 offset 80: 51 of the last 81 actions"), "{said}");
    assert!(said.contains("`lms-audit run --accept-dead-letters 0:81`"), "{said}");
    assert_eq!(
        [Topic::Events, Topic::DeadLetters, Topic::Receipts].map(|topic| written(&log, topic)),
        [0; 3]
    );

    let (stages, stop) = start(&log, &config, vec![(Partition::new(0), Offset::new(110))]);
    while written(&log, Topic::DeadLetters) < 80 && !stop.is_set() {
        std::thread::yield_now();
    }
    stages.end().expect("it went on");
    assert_eq!([Topic::Events, Topic::DeadLetters].map(|topic| written(&log, topic)), [30, 80]);
}
