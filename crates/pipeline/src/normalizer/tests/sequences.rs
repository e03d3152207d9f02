//! What the ledger says of a source's sequence and of replayed actions, over bytes.

use catalog::{LedgerRow, SequenceRow, Topic};
use codec::{Codec, LedgerRecord};
use stage::RestorePoint;

use super::log::{Spec, numbered, record};
use super::world::{COUNT, Kept, Owned, home, process, restored, stage_of, transaction};
use crate::{REPLAY_HEADER, REROUTE_HEADER};

const KEY: &str = "acme/lms.web/~sequence";

fn ledger(sent: &Owned) -> LedgerRecord {
    let value = sent.value.as_deref().expect("a value");
    Codec::single_object().decoder().ledger(value).expect("it reads what it wrote")
}

/// The sequence rows that were written, in order.
fn sequences(sink: &Kept) -> Vec<SequenceRow> {
    let rows = sink.of(Topic::Ledger).into_iter().filter(|sent| sent.key_text() == KEY);
    let rows = rows.map(|sent| match ledger(&sent) {
        LedgerRecord::Sequence(row) => row,
        other => panic!("{other:?}"),
    });
    rows.collect()
}

/// The last row of the account of a key.
fn account(sink: &Kept, key: &str) -> LedgerRow {
    match ledger(&sink.rows(Topic::Ledger)[key]) {
        LedgerRecord::Account(row) => row,
        other => panic!("{other:?}"),
    }
}

/// An action of this id that its source counts as `number`.
fn action(id: &str, number: i64) -> Spec {
    Spec { id: id.into(), rest: numbered(number), ..Spec::default() }
}

fn ranges(row: &SequenceRow) -> Vec<(i64, i64)> {
    row.missing.iter().map(|range| (range.from, range.until)).collect()
}

#[test]
fn every_verdict_counts_and_a_transaction_writes_the_row_once() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let dead = Spec { action: "course.exploded", ..action("a-2", 12) };
    let log =
        [action("a-1", 10).record(), dead.record(), action("a-1", 10).record(), action("a-3", 14).record()];
    transaction(stage.as_mut(), &log, &mut sink);
    let [row] = &sequences(&sink)[..] else { panic!("written once: {:?}", sequences(&sink)) };
    assert_eq!((row.lowest, row.highest, ranges(row)), (10, 14, vec![(11, 11), (13, 13)]));
    assert_eq!((row.tenant.as_str(), row.source.as_str()), ("acme", "lms.web"));
    assert_eq!(row.received_at.millis(), sink.rows(Topic::Ledger)[KEY].timestamp);

    transaction(stage.as_mut(), &[Spec { id: "a-4".into(), ..Spec::default() }.record()], &mut sink);
    assert_eq!(sequences(&sink).len(), 1, "an action without a sequence changes none");
    transaction(stage.as_mut(), &[action("a-5", 13).record()], &mut sink);
    assert_eq!(ranges(&sequences(&sink)[1]), [(11, 11)]);
}

#[test]
fn a_rolled_back_number_was_never_received() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    transaction(stage.as_mut(), &[action("a-1", 1).record()], &mut sink);
    process(stage.as_mut(), &action("a-2", 2).record(), &mut Kept::default());
    stage.rollback();
    transaction(stage.as_mut(), &[action("a-3", 3).record()], &mut sink);
    assert_eq!(ranges(&sequences(&sink)[1]), [(2, 2)]);
}

#[test]
fn a_sequence_comes_back_and_a_tombstone_takes_it() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    transaction(stage.as_mut(), &[action("a-1", 1).record(), action("a-2", 5).record()], &mut sink);
    let after = |sink: &Kept| {
        let mut stage = restored(home(), sink, RestorePoint { time: None });
        let mut later = Kept::default();
        transaction(stage.as_mut(), &[action("a-3", 3).record()], &mut later);
        ranges(&sequences(&later)[0])
    };
    assert_eq!(after(&sink), [(2, 2), (4, 4)]);
    let row = sink.rows(Topic::Ledger)[KEY].clone();
    sink.0.push(Owned { value: None, ..row });
    assert_eq!(after(&sink), []);
}

#[test]
fn a_number_counts_only_where_its_action_is_received() {
    let away = (home() + 1) % COUNT;
    let (mut stage, mut sink) = (stage_of(away), Kept::default());
    let moved = Owned { partition: away, ..action("a-1", 1).record() };
    let header = (REROUTE_HEADER.to_owned(), Some(format!("{away}/9/{COUNT}").into_bytes()));
    let bounced = Owned { headers: vec![header], ..moved.clone() };
    transaction(stage.as_mut(), &[moved, bounced], &mut sink);
    assert_eq!((sink.of(Topic::Actions).len(), sink.of(Topic::DeadLetters).len()), (1, 1));
    assert_eq!(sequences(&sink), []);
}

#[test]
fn replayed_actions_are_counted_whatever_becomes_of_them() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let replayed =
        |record: Owned| Owned { headers: vec![(REPLAY_HEADER.to_owned(), Some(b"1:17".to_vec()))], ..record };
    let first = Spec::default().record();
    let log = [first.clone(), replayed(first), replayed(record(Some(b"{".to_vec())))];
    transaction(stage.as_mut(), &log, &mut sink);
    let of_source = account(&sink, "acme/lms.web/2026-11-02T09");
    assert_eq!((of_source.received, of_source.duplicate, of_source.replayed), (2, 1, 1));
    let unknown = account(&sink, &format!("~unknown/{}/2026-11-02T09", home()));
    assert_eq!((unknown.received, unknown.dead_lettered, unknown.replayed), (1, 1, 1));
}
