//! Crash points: what each fault leaves behind, and a small worker that survives them all beside
//! one that does not.

mod common;

use common::*;
use embedded::{CrashPlan, Effect, EmbeddedLog, EmbeddedProducer, Fault, LogRecord, Step, crash_points};
use runtime::{Batch, Broker, BrokerError, Cause, Consumer, GroupEvent, Producer, Remedy, Transaction};
use stage::{Millis, Offset, Partition, Sink};

/// Sends one output and commits it with offset 1, the way a worker does.
fn commit_one(log: &EmbeddedLog, producer: &mut EmbeddedProducer) -> Result<(), BrokerError> {
    let mut consumer = log.consumer(&member(None))?;
    assigned(&mut consumer);
    let proof = consumer.membership()?;
    let mut transaction = producer.begin()?;
    transaction.send(&output(0, "a"));
    transaction.commit(&[(p(0), at(1))], &proof)
}

#[test]
fn what_a_fault_at_the_commit_leaves() {
    use Effect::{With, Without};
    let undone = (vec![], None);
    let done = (vec!["a".to_owned()], Some(at(1)));
    for (fault, remedy, left, stable) in [
        (Fault::Abort, Remedy::Abort, &undone, 2),
        (Fault::Rebuild(Without), Remedy::Rebuild, &undone, 0),
        (Fault::Rebuild(With), Remedy::Rebuild, &done, 2),
        (Fault::Crash(Without), Remedy::Stop, &undone, 0),
        (Fault::Crash(With), Remedy::Stop, &done, 2),
    ] {
        let log = log(1);
        let mut producer = producer(&log, "id");
        log.plan(CrashPlan::at([(6, fault)]));
        let error = commit_one(&log, &mut producer).expect_err("a fault is planned");
        assert_eq!(log.steps()[6], Step::Commit);
        assert_eq!(error.remedy, remedy, "{fault:?}");
        let now = (values(&log, OUTPUT, 0), log.group_offset(GROUP, INPUT, p(0)));
        assert_eq!((&now, extent(&log, OUTPUT, 0).1), (left, stable), "{fault:?}");
        assert_eq!(producer.begin().is_ok(), fault == Fault::Abort, "{fault:?}");

        let log = log.restart();
        common::producer(&log, "id");
        assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 2), "{fault:?}: the successor decides what is open");
        let after = (values(&log, OUTPUT, 0), log.group_offset(GROUP, INPUT, p(0)));
        assert_eq!(&after, left, "{fault:?}: and changes nothing that was decided");
    }
}

#[test]
fn a_fault_at_a_send_fails_the_commit() {
    for (fault, remedy) in [
        (Fault::Abort, Remedy::Abort),
        (Fault::Rebuild(Effect::Without), Remedy::Rebuild),
        (Fault::Crash(Effect::Without), Remedy::Stop),
    ] {
        let log = log(1);
        let mut producer = producer(&log, "id");
        log.plan(CrashPlan::at([(5, fault)]));
        let error = commit_one(&log, &mut producer).expect_err("a fault is planned");
        assert_eq!((log.steps()[5], log.steps().len()), (Step::Send, 6), "no commit is tried");
        assert_eq!(error.remedy, remedy);
        assert_eq!(values(&log, OUTPUT, 0), [""; 0]);
        assert_eq!(log.group_offset(GROUP, INPUT, p(0)), None);
    }
}

#[test]
fn a_dead_process_can_do_nothing() {
    let log = log(1);
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let mut old = producer(&log, "id");
    let mut open = old.begin().expect("nothing is wrong");
    open.send(&output(0, "a"));
    log.kill();
    assert!(!log.is_alive());
    open.send(&output(0, "b"));
    drop(open);
    assert_eq!(extent(&log, OUTPUT, 0), (0, 0, 1), "its transaction stays open, and as it was");
    assert_eq!(old.begin().expect_err("it is dead").remedy, Remedy::Stop);
    assert_eq!(consumer.event().expect_err("it is dead").remedy, Remedy::Stop);
    assert!(log.producer("id", INPUT, &[]).is_err());
    let next = log.restart();
    assert!(next.is_alive());
    assert_eq!(assigned(&mut common::consumer(&next)), [p(0)], "the dead are no members");
    producer(&next, "id");
    assert_eq!(extent(&log, OUTPUT, 0), (0, 2, 2));
}

#[test]
fn a_fault_that_its_step_cannot_show_does_not_occur() {
    let log = log(1);
    log.plan(CrashPlan::at([(0, Fault::Abort)]));
    assert!(log.consumer(&member(None)).is_ok());
    assert_eq!((log.steps(), log.faults_occurred()), (vec![Step::Join], 0));
}

/// How a worker takes a commit whose outcome it does not learn.
#[derive(Clone, Copy)]
enum Care {
    /// It reads from the log how far it came.
    Rebuilds,
    /// It does the same work again.
    Repeats,
}

/// Copies the input, each value with its place in the partition's count: the state that a worker
/// must carry over.
struct Copier<'a> {
    log: &'a EmbeddedLog,
    care: Care,
    /// What a worker that repeats holds to be done.
    believed: Vec<Option<(Offset, usize)>>,
}

impl Copier<'_> {
    /// One life of the loop: `Ok` once the input is done.
    fn run(&mut self) -> Result<(), BrokerError> {
        let mut producer = self.log.producer("id", INPUT, &[INPUT.into(), OUTPUT.into()])?;
        let mut consumer = self.log.consumer(&member(None))?;
        let mut counts = Vec::new();
        while let Some(event) = consumer.event()? {
            let GroupEvent::Assigned(partitions) = event else { continue };
            consumer.accept(&partitions)?;
            for (partition, committed) in consumer.committed(&partitions)? {
                let restored =
                    (committed.unwrap_or(at(0)), values(self.log, OUTPUT, partition.number()).len());
                let place = partition.number() as usize;
                let (next, count) = match self.care {
                    Care::Rebuilds => restored,
                    Care::Repeats => self.believed[place].unwrap_or(restored),
                };
                consumer.start(partition, next)?;
                counts.push((partition, next, count));
            }
        }
        loop {
            let batch = consumer.batch(2, NOW)?;
            if batch.is_empty() {
                return Ok(());
            }
            let proof = consumer.membership()?;
            let mut transaction = producer.begin()?;
            for index in 0..batch.len() {
                let record = batch.record(index);
                let (_, next, count) =
                    counts.iter_mut().find(|(q, ..)| *q == record.partition).expect("it was assigned");
                *count += 1;
                *next = record.offset.next();
                let value = format!("{count} {}", text(record.value));
                transaction.send(&output(record.partition.number(), &value));
            }
            let offsets: Vec<(Partition, Offset)> = counts.iter().map(|(q, next, _)| (*q, *next)).collect();
            transaction.commit(&offsets, &proof)?;
            for (partition, next, count) in &counts {
                self.believed[partition.number() as usize] = Some((*next, *count));
            }
        }
    }
}

fn prepare() -> EmbeddedLog {
    let log = log(2);
    for (partition, value) in [(0, "a"), (1, "x"), (0, "b"), (0, "c"), (1, "y")] {
        let record = LogRecord::new(Millis::new(1), b"k", value.as_bytes());
        log.append(INPUT, p(partition), record).expect("the topic is there");
    }
    log
}

fn copy(log: &EmbeddedLog, care: Care) -> [Vec<String>; 2] {
    let mut life = log.clone();
    let mut believed = vec![None; 2];
    for _ in 0..100 {
        let mut copier = Copier { log: &life, care, believed };
        let result = copier.run();
        believed = copier.believed;
        match result {
            Ok(()) => return [values(log, OUTPUT, 0), values(log, OUTPUT, 1)],
            Err(_) if !life.is_alive() => {
                life = log.restart();
                believed = vec![None; 2];
            }
            Err(error) => assert_ne!(error.cause, Cause::Fenced, "{error}"),
        }
    }
    panic!("the copier does not come to an end");
}

#[test]
fn a_worker_that_rebuilds_survives_every_crash_point() {
    let expected = [vec!["1 a", "2 b", "3 c"], vec!["1 x", "2 y"]];
    let points = crash_points(
        prepare,
        |log| copy(log, Care::Rebuilds),
        |point, undisturbed, disturbed| {
            assert_eq!(*undisturbed, expected);
            assert_eq!(disturbed, expected, "{point}");
        },
    );
    assert!(points > 60, "{points} crash points are too few to be all");
}

#[test]
fn a_worker_that_repeats_is_caught() {
    let mut caught = Vec::new();
    crash_points(
        prepare,
        |log| copy(log, Care::Repeats),
        |point, undisturbed, disturbed| {
            if disturbed != *undisturbed {
                caught.push((point.step, point.fault));
            }
        },
    );
    caught.dedup();
    assert_eq!(caught, [(Step::Commit, Fault::Rebuild(Effect::With))]);
}

#[test]
fn drawn_faults_hit_a_run_again_and_again_and_are_the_same_for_a_seed() {
    let expected = copy(&prepare(), Care::Rebuilds);
    let mut occurred = 0;
    for seed in 0..200 {
        let run = || {
            let log = prepare();
            log.plan(CrashPlan::drawn(seed, 12));
            let result = copy(&log, Care::Rebuilds);
            (result, log.steps(), log.faults_occurred())
        };
        let (result, steps, faults) = run();
        assert_eq!(result, expected, "seed {seed}");
        assert_eq!(run(), (result, steps, faults), "seed {seed}");
        occurred += faults;
    }
    assert!(occurred > 400, "only {occurred} faults in 200 runs");
}
