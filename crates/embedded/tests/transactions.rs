//! Transactions: visible together or not at all, held back while open, fenced by a successor.

mod common;

use common::*;
use runtime::{Broker, Cause, Consumer, Producer, Reading, Remedy, Transaction};
use stage::Sink;

#[test]
fn outputs_and_offsets_become_visible_together() {
    let log = log(2);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let mut producer = producer(&log, "id");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(0, "a"));
    transaction.send(&output(1, "b"));
    assert_eq!((values(&log, OUTPUT, 0).len(), values(&log, OUTPUT, 1).len()), (0, 0));
    assert_eq!(log.group_offset(GROUP, INPUT, p(0)), None);

    let proof = consumer.membership().expect("it is a member");
    transaction.commit(&[(p(0), at(5))], &proof).expect("nothing is wrong");
    assert_eq!((values(&log, OUTPUT, 0), values(&log, OUTPUT, 1)), (vec!["a".into()], vec!["b".into()]));
    assert_eq!(log.group_offset(GROUP, INPUT, p(0)), Some(at(5)));
    assert_eq!(consumer.committed(&[p(0), p(1)]).expect("it answers"), [(p(0), Some(at(5))), (p(1), None)]);
}

#[test]
fn a_control_record_takes_one_offset_in_each_partition_that_took_part() {
    let log = log(3);
    let mut consumer = consumer(&log);
    let mut producer = producer(&log, "id");
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");

    let mut first = producer.begin().expect("nothing is wrong");
    first.send(&output(0, "a"));
    first.send(&output(0, "b"));
    first.send(&output(1, "c"));
    first.commit(&[], &proof).expect("nothing is wrong");
    let mut second = producer.begin().expect("nothing is wrong");
    second.send(&output(0, "d"));
    second.abort().expect("nothing is wrong");
    producer.begin().expect("nothing is wrong").commit(&[], &proof).expect("nothing is wrong");

    assert_eq!(extent(&log, OUTPUT, 0), (0, 5, 5));
    assert_eq!(extent(&log, OUTPUT, 1), (0, 2, 2));
    assert_eq!(extent(&log, OUTPUT, 2), (0, 0, 0));
    assert_eq!(values(&log, OUTPUT, 0), ["a", "b"]);
    assert_eq!(read(&log, OUTPUT, 0, 0, 5), (vec!["a".into(), "b".into()], Reading::Done));
}

#[test]
fn an_open_transaction_holds_the_last_stable_offset_back() {
    let log = log(1);
    let mut slow = producer(&log, "slow");
    let mut fast = producer(&log, "fast");
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");

    let mut before = fast.begin().expect("nothing is wrong");
    before.send(&output(0, "before"));
    before.commit(&[], &proof).expect("nothing is wrong");
    let mut held = slow.begin().expect("nothing is wrong");
    held.send(&output(0, "held"));
    let mut after = fast.begin().expect("nothing is wrong");
    after.send(&output(0, "after"));
    after.commit(&[], &proof).expect("nothing is wrong");

    assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 5));
    assert_eq!(values(&log, OUTPUT, 0), ["before"]);
    assert_eq!(read(&log, OUTPUT, 0, 0, 5), (vec!["before".into()], Reading::Open));

    held.abort().expect("nothing is wrong");
    assert_eq!(extent(&log, OUTPUT, 0), (0, 6, 6));
    assert_eq!(read(&log, OUTPUT, 0, 0, 6), (vec!["before".into(), "after".into()], Reading::Done));
}

#[test]
fn a_dropped_transaction_is_aborted() {
    let log = log(1);
    let mut producer = producer(&log, "id");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(0, "a"));
    drop(transaction);
    assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 2));
    assert_eq!(values(&log, OUTPUT, 0), [""; 0]);
    assert!(producer.begin().is_ok());
}

#[test]
fn a_successor_aborts_what_is_open_and_fences_every_later_call() {
    let log = log(1);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");
    let mut old = producer(&log, "id");
    let mut transaction = old.begin().expect("nothing is wrong");
    transaction.send(&output(0, "old"));

    let mut new = producer(&log, "id");
    assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 2));
    transaction.send(&output(0, "late"));
    let error = transaction.commit(&[(p(0), at(9))], &proof).expect_err("it is fenced");
    assert_eq!((error.remedy, error.cause), (Remedy::Rebuild, Cause::Fenced));
    let error = old.begin().expect_err("it is fenced");
    assert_eq!((error.remedy, error.cause), (Remedy::Rebuild, Cause::Fenced));
    assert_eq!(log.group_offset(GROUP, INPUT, p(0)), None);

    let mut transaction = new.begin().expect("it is the latest");
    transaction.send(&output(0, "new"));
    transaction.commit(&[], &proof).expect("it is the latest");
    assert_eq!(values(&log, OUTPUT, 0), ["new"]);
    assert_eq!(extent(&log, OUTPUT, 0), (0, 4, 4));
}

#[test]
fn an_idle_predecessor_is_fenced_at_begin_and_at_abort() {
    let log = log(1);
    let mut idle = producer(&log, "id");
    let mut aborting = producer(&log, "other");
    let transaction = aborting.begin().expect("nothing is wrong");
    let _successors = (producer(&log, "id"), producer(&log, "other"));
    assert_eq!(idle.begin().expect_err("it is fenced").cause, Cause::Fenced);
    assert_eq!(transaction.abort().expect_err("it is fenced").cause, Cause::Fenced);
}

#[test]
fn the_coordinator_times_out_an_open_transaction() {
    let log = log(1);
    let mut producer = producer(&log, "id");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(0, "a"));
    log.time_out_transactions();
    assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 2));
    assert_eq!(transaction.abort().expect_err("it is fenced").cause, Cause::Fenced);
}

#[test]
fn offsets_of_a_partition_of_another_member_abort_the_transaction() {
    let log = log(2);
    log.members(GROUP, 2);
    let mut consumer = consumer(&log);
    assert_eq!(assigned(&mut consumer), [p(0)]);
    let mut producer = producer(&log, "id");
    let proof = consumer.membership().expect("it is a member");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(0, "a"));
    let error = transaction.commit(&[(p(0), at(1)), (p(1), at(1))], &proof).expect_err("not its partition");
    assert_eq!(error.remedy, Remedy::Abort);
    assert_eq!((extent(&log, OUTPUT, 0), values(&log, OUTPUT, 0).len()), ((0, 2, 2), 0));
    assert_eq!(log.group_offset(GROUP, INPUT, p(0)), None);
    assert!(producer.begin().is_ok(), "an aborted transaction leaves the producer usable");
}

#[test]
fn a_send_that_cannot_be_fails_the_commit() {
    let log = log(1);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");
    let mut producer = producer(&log, "id");
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&output(4, "nowhere"));
    let error = transaction.commit(&[(p(0), at(1))], &proof).expect_err("there is no partition 4");
    assert_eq!((error.remedy, error.attempt.as_str()), (Remedy::Stop, "embedded log: output/4"));
    assert_eq!(log.group_offset(GROUP, INPUT, p(0)), None);
    assert!(log.producer("id", INPUT, &["elsewhere".into()]).is_err(), "an unknown topic is refused");
}
