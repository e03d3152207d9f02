//! What holds for every log: one place for every action, and nothing that depends on commits,
//! aborts or restarts.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Reason, Receipt, Topic};
use codec::{Codec, Decoder, LedgerRecord};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use stage::{Millis, Outcome, RestorePoint};

use super::log::{logs, record};
use super::world::{Kept, Owned, coverage, home, process, restored, stage_of, transaction};
use crate::dead_letter::Failure;
use crate::dead_letter::headers::REASON;

/// The log in one transaction.
fn at_once(log: &[Owned]) -> Kept {
    let mut sink = Kept::default();
    transaction(stage_of(home()).as_mut(), log, &mut sink);
    sink
}

fn decoder() -> Decoder {
    Codec::single_object().decoder()
}

/// Which output each action lies in, by its offset.
fn places(sink: &Kept) -> Vec<(i64, &'static str)> {
    let decoder = decoder();
    let mut places = Vec::new();
    for sent in &sink.0 {
        let value = || sent.value.as_deref().expect("a value");
        match sent.topic {
            Topic::Events => {
                let event = decoder.event(value()).expect("it reads what it wrote");
                places.push((event.provenance.offset, "event"));
            }
            Topic::DeadLetters => {
                let record = sent.record();
                let failure = Failure::read(&record).expect("it says why");
                places.push((failure.offset.number(), "dead letter"));
            }
            Topic::Receipts => match decoder.receipt(value()).expect("it reads what it wrote") {
                Receipt::Duplicate(action) => places.push((action.offset, "duplicate")),
                Receipt::Suppressed(action) => places.push((action.offset, "suppressed")),
                Receipt::Rerouted { offset, .. } => places.push((offset, "rerouted")),
                Receipt::Expired { .. } => panic!("nothing expired"),
            },
            _ => {}
        }
    }
    places.sort_unstable();
    places
}

/// The ledger's sums over all accounts: received, recorded, duplicate, suppressed, dead-lettered.
fn sums(sink: &Kept) -> [i64; 5] {
    let mut sums = [0; 5];
    for row in sink.rows(Topic::Ledger).values() {
        let value = row.value.as_deref().expect("a value");
        let row = match decoder().ledger(value).expect("it reads what it wrote") {
            LedgerRecord::Account(row) => row,
            LedgerRecord::Sequence(_) => continue,
            LedgerRecord::Coverage { .. } => panic!("coverage was left out"),
        };
        let counts = [row.received, row.recorded, row.duplicate, row.suppressed, row.dead_lettered];
        assert_eq!(row.received, counts[1..].iter().sum::<i64>(), "{row:?}");
        sums = std::array::from_fn(|i| sums[i] + counts[i]);
    }
    sums
}

/// What the properties below say they say of something.
#[test]
fn random_logs_reach_every_place_and_most_reasons() {
    let mut runner = TestRunner::deterministic();
    let (mut reached, mut reasons) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..100 {
        let log = logs(40..60).new_tree(&mut runner).expect("a log").current();
        let sink = at_once(&log);
        reached.extend(places(&sink).into_iter().map(|(_, place)| place));
        let letters = sink.of(Topic::DeadLetters);
        reasons.extend(letters.iter().map(|sent| sent.header(REASON).expect("it says why")));
    }
    let places = ["dead letter", "duplicate", "event", "rerouted", "suppressed"];
    assert_eq!(reached, BTreeSet::from(places));
    let expected = [
        Reason::Malformed,
        Reason::UnknownAction,
        Reason::InvalidField,
        Reason::Oversized,
        Reason::TimestampInFuture,
        Reason::ConflictingDuplicate,
        Reason::Misrouted,
    ];
    assert_eq!(reasons, expected.iter().map(ToString::to_string).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_action_lies_in_exactly_one_place_and_is_counted_as_that(log in logs(1..60)) {
        let sink = at_once(&log);
        let places = places(&sink);
        let offsets: Vec<_> = places.iter().map(|(offset, _)| *offset).collect();
        prop_assert_eq!(offsets, log.iter().map(|record| record.offset).collect::<Vec<_>>());
        let mut of = BTreeMap::new();
        for (_, place) in &places {
            *of.entry(*place).or_insert(0) += 1;
        }
        let mut of = |place| of.remove(place).unwrap_or(0);
        let rerouted = of("rerouted");
        let counts = ["event", "duplicate", "suppressed", "dead letter"].map(&mut of);
        let [received, rest @ ..] = sums(&sink);
        prop_assert_eq!(rest, counts);
        prop_assert_eq!(received, log.len() as i64 - rerouted);
        prop_assert_eq!(sink.of(Topic::Actions).len() as i64, rerouted);
    }

    #[test]
    fn no_cut_of_the_log_and_no_abort_changes_what_is_written(
        log in logs(1..60),
        cuts in prop::collection::vec((1..12_usize, prop::option::of(0..12_usize)), 1..40),
    ) {
        let (mut stage, mut sink) = (stage_of(home()), Kept::default());
        let (mut rest, mut cuts) = (&log[..], cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (length, aborted) = cuts.next().expect("a cycle has no end");
            if let Some(length) = aborted {
                let mut lost = Kept::default();
                for input in &rest[..length.min(rest.len())] {
                    process(stage.as_mut(), input, &mut lost);
                }
                if length % 2 == 0 {
                    stage.flush(&mut lost).expect("the store is in memory");
                }
                stage.rollback();
            }
            let (batch, later) = rest.split_at(length.min(rest.len()));
            transaction(stage.as_mut(), batch, &mut sink);
            rest = later;
        }
        prop_assert_eq!(sink.facts(), at_once(&log).facts());
    }

    #[test]
    fn a_delivery_in_another_encoding_says_the_same(log in logs(1..20)) {
        let recorded = at_once(&log).of(Topic::Events);
        let codec = Codec::single_object();
        for sent in recorded {
            let event = codec.decoder().event(sent.value.as_deref().expect("a value")).expect("an event");
            let mut avro = Vec::new();
            codec.encoder().action(&event.action, &mut avro).expect("the codec needs no registry");
            for value in [avro, codec::action_json(&event.action)] {
                let again = Owned { timestamp: sent.timestamp, ..record(Some(value)) };
                let (mut stage, mut sink) = (stage_of(home()), Kept::default());
                transaction(stage.as_mut(), std::slice::from_ref(&again), &mut sink);
                let mut original = log[usize::try_from(event.provenance.offset).expect("from 0")].clone();
                original.timestamp = sent.timestamp;
                prop_assert_eq!(process(stage.as_mut(), &original, &mut sink), Outcome::Skip("duplicate"));
            }
        }
    }

    #[test]
    fn a_replay_writes_the_same_bytes(log in logs(1..40)) {
        prop_assert_eq!(at_once(&log).0, at_once(&log).0);
    }

    #[test]
    fn a_stage_restored_from_what_was_written_goes_on_as_if_nothing_had_happened(
        log in logs(2..60),
        part in 0.0..1.0_f64,
        next_is_known in any::<bool>(),
    ) {
        let middle = ((log.len() as f64 * part) as usize).clamp(1, log.len() - 1);
        let (before, after) = log.split_at(middle);
        let (mut stage, mut sink) = (stage_of(home()), Kept::default());
        transaction(stage.as_mut(), before, &mut sink);
        let last = &before[before.len() - 1];
        // While nothing is unread, the time of the last read action is all there is.
        let first = if next_is_known { &after[0] } else { last };
        let point = RestorePoint { time: Some(Millis::new(first.timestamp)) };
        let mut again = restored(home(), &sink, point);
        prop_assert_eq!(again.coverage(), Some(&coverage(last)));
        let (mut undisturbed, mut resumed) = (Kept::default(), Kept::default());
        transaction(stage.as_mut(), after, &mut undisturbed);
        transaction(again.as_mut(), after, &mut resumed);
        prop_assert_eq!(undisturbed.0, resumed.0);
    }
}
