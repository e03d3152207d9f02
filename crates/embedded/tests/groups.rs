//! Groups: who gets which partition, rebalances, members that are expelled or replaced, waiting.

mod common;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use embedded::{EmbeddedLog, LogRecord, Waiting};
use runtime::{Batch, Broker, Cause, Consumer, GroupEvent, Producer, Remedy, Transaction};
use stage::{Millis, Sink};

fn fill(log: &EmbeddedLog, partition: u32, values: &[&str]) {
    for value in values {
        let record = LogRecord::new(Millis::new(1), value.as_bytes(), value.as_bytes());
        log.append(INPUT, p(partition), record).expect("the topic is there");
    }
}

#[test]
fn partitions_are_dealt_in_join_order() {
    let log = log(5);
    log.members(GROUP, 2);
    let (mut first, mut second, mut third) = (consumer(&log), consumer(&log), consumer(&log));
    assert_eq!(assigned(&mut second), [p(1), p(3)]);
    assert_eq!(assigned(&mut first), [p(0), p(2), p(4)]);
    assert_eq!(first.event(), Ok(None), "an assignment is told once");
    assert_eq!(third.event(), Ok(None), "there is no seat for a third");
    drop(second);
    assert_eq!(assigned(&mut third), [p(1), p(3)]);
}

#[test]
fn a_rebalance_hands_over_only_what_was_released() {
    let log = log(4);
    let mut old = consumer(&log);
    assert_eq!(assigned(&mut old).len(), 4);
    log.members(GROUP, 2);
    let mut new = consumer(&log);
    assert_eq!(new.event(), Ok(None), "the old owner has not released");
    assert_eq!(old.event(), Ok(Some(GroupEvent::Revoked(vec![p(1), p(3)]))));
    assert_eq!(old.event(), Ok(None));
    let mut producer = producer(&log, "id");
    let proof = old.membership().expect("it is a member");
    let transaction = producer.begin().expect("nothing is wrong");
    transaction.commit(&[(p(1), at(3))], &proof).expect("until it releases, the partition is its own");
    old.release(&[p(1), p(3)]).expect("it is a member");
    assert_eq!(assigned(&mut new), [p(1), p(3)]);
    assert_eq!(new.committed(&[p(1)]), Ok(vec![(p(1), Some(at(3)))]));
    let error = producer.begin().expect("nothing is wrong").commit(&[(p(1), at(4))], &proof);
    assert_eq!(error.expect_err("it is another's now").remedy, Remedy::Abort);
}

#[test]
fn an_expelled_member_cannot_commit_and_comes_back_after_it_has_learnt_of_it() {
    let log = log(2);
    let mut zombie = consumer(&log);
    assigned(&mut zombie);
    let mut producer = producer(&log, "id");
    log.expel(GROUP, 0);
    let proof = zombie.membership().expect("it does not know yet");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(0, "late"));
    let error = transaction.commit(&[(p(0), at(1))], &proof).expect_err("it was expelled");
    assert_eq!(error.remedy, Remedy::Abort);
    assert_eq!((values(&log, OUTPUT, 0).len(), log.group_offset(GROUP, INPUT, p(0))), (0, None));

    assert_eq!(zombie.event(), Ok(Some(GroupEvent::Lost(vec![p(0), p(1)]))));
    zombie.release(&[p(0), p(1)]).expect("it is a member");
    assert_eq!(assigned(&mut zombie), [p(0), p(1)]);
    let proof = zombie.membership().expect("it is a member");
    let transaction = producer.begin().expect("nothing is wrong");
    transaction.commit(&[(p(0), at(1))], &proof).expect("it is back");
}

#[test]
fn a_member_that_is_expelled_twice_comes_back_all_the_same() {
    let log = log(1);
    let mut twice = consumer(&log);
    assigned(&mut twice);
    log.expel(GROUP, 0);
    assert_eq!(twice.event(), Ok(Some(GroupEvent::Lost(vec![p(0)]))));
    log.expel(GROUP, 0);
    assert_eq!(assigned(&mut twice), [p(0)]);
}

#[test]
fn the_partitions_of_an_expelled_member_go_to_one_that_waits() {
    let log = log(2);
    let (mut zombie, mut heir) = (consumer(&log), consumer(&log));
    assigned(&mut zombie);
    log.expel(GROUP, 0);
    assert_eq!(assigned(&mut heir), [p(0), p(1)]);
    assert!(matches!(zombie.event(), Ok(Some(GroupEvent::Lost(_)))));
    assert_eq!(zombie.event(), Ok(None), "its seat is taken");
}

#[test]
fn a_static_member_replaces_the_one_of_its_instance_id() {
    let log = log(2);
    log.members(GROUP, 2);
    let mut old = log.consumer(&member(Some("a"))).expect("the group takes it");
    let mut other = log.consumer(&member(Some("b"))).expect("the group takes it");
    assert_eq!((assigned(&mut old), assigned(&mut other)), (vec![p(0)], vec![p(1)]));
    let mut new = log.consumer(&member(Some("a"))).expect("the group takes it");
    assert_eq!(assigned(&mut new), [p(0)]);
    let error = old.event().expect_err("it was replaced");
    assert_eq!((error.remedy, error.cause), (Remedy::Rebuild, Cause::Fenced));
    drop(old);
    assert_eq!((new.event(), other.event()), (Ok(None), Ok(None)), "a fenced member takes nothing along");
}

#[test]
fn a_batch_shares_between_partitions_and_keeps_each_in_order() {
    let log = log(2);
    fill(&log, 0, &["a", "b", "c", "d"]);
    fill(&log, 1, &["x"]);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    assert!(consumer.batch(4, NOW).expect("in range").is_empty(), "nothing is started");
    consumer.start(p(0), at(1)).expect("it was accepted");
    consumer.start(p(1), at(0)).expect("it was accepted");
    assert_eq!(consumer.backlog(p(0), at(1)), Some(3));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let batch = consumer.batch(2, NOW).expect("in range");
        assert!(batch.len() <= 2);
        seen.extend(batch_values(&batch).into_iter().map(|(partition, _, value)| (partition, value)));
    }
    let of = |n: u32| seen.iter().filter(|(q, _)| *q == n).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
    assert_eq!((of(0), of(1)), (vec!["b", "c", "d"], vec!["x"]));

    consumer.pause(p(0)).expect("it was accepted");
    assert_eq!(consumer.backlog(p(0), at(4)), None);
    fill(&log, 0, &["e"]);
    assert!(consumer.batch(9, NOW).expect("in range").is_empty(), "it is paused");
    consumer.start(p(0), at(4)).expect("it was accepted");
    assert_eq!(batch_values(&consumer.batch(9, NOW).expect("in range")), [(0, 4, "e".to_owned())]);
    consumer.release(&[p(0)]).expect("it is a member");
    assert_eq!(consumer.start(p(0), at(0)).expect_err("it was released").remedy, Remedy::Stop);
}

#[test]
fn group_offsets_are_set_and_forgotten_from_outside() {
    let log = log(1);
    log.set_group_offset(GROUP, INPUT, p(0), at(4));
    let mut consumer = consumer(&log);
    assert_eq!(consumer.committed(&[p(0)]), Ok(vec![(p(0), Some(at(4)))]));
    log.delete_group_offsets(GROUP);
    assert_eq!(consumer.committed(&[p(0)]), Ok(vec![(p(0), None)]));
}

#[test]
fn a_live_log_wakes_who_waits() {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(1)), Waiting::Live);
    log.create_stamped_topic(INPUT, 1);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    consumer.start(p(0), at(0)).expect("it was accepted");
    assert!(consumer.batch(9, Duration::from_millis(1)).expect("in range").is_empty());
    let writer = thread::spawn({
        let log = log.clone();
        move || fill(&log, 0, &["a"])
    });
    let begun = Instant::now();
    let batch = consumer.batch(9, Duration::from_secs(60)).expect("in range");
    writer.join().expect("it writes");
    assert_eq!(batch_values(&batch), [(0, 0, "a".to_owned())]);
    assert!(begun.elapsed() < Duration::from_secs(30), "it was woken, not timed out");
}
