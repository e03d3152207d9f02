//! The trail's own records: what can be read can be written again, and says the same then.

use catalog::Category;
use codec::{Codec, DecodeError, Decoder, EncodeError, Encoder, LedgerRecord};

use crate::framing::{self, versions};

thread_local! {
    static ENCODER: std::cell::RefCell<Encoder> = std::cell::RefCell::new(Codec::single_object().encoder());
}

type Read<T> = fn(&Decoder, &[u8]) -> Result<T, DecodeError>;
type Write<T> = fn(&mut Encoder, &T, &mut Vec<u8>) -> Result<(), EncodeError>;

/// Any category: a report row's schema is the same in all.
const CATEGORY: Category = Category::ALL[0];

/// An audit event; it can be shown as JSON and as headers.
pub(crate) fn event(data: &[u8]) {
    check(
        "audit-event",
        data,
        Decoder::event,
        |encoder, event, out| encoder.event(event, out),
        |event| {
            drop(codec::event_json(event));
            let mut headers = codec::EventHeaders::new();
            assert_eq!(headers.of(event, None).len(), 6);
        },
    );
}

/// A receipt.
pub(crate) fn receipt(data: &[u8]) {
    check("receipt", data, Decoder::receipt, Encoder::receipt, |receipt| drop(codec::receipt_json(receipt)));
}

/// A record of the ledger.
pub(crate) fn ledger(data: &[u8]) {
    check("ledger", data, Decoder::ledger, write_ledger, |record| {
        drop(codec::ledger_json(record));
        match record {
            LedgerRecord::Account(row) => key(&row.key()),
            LedgerRecord::Sequence(row) => key(&row.key()),
            LedgerRecord::Coverage { .. } => {}
        }
    });
}

/// A row of an activity view.
pub(crate) fn activity(data: &[u8]) {
    let write: Write<_> = |encoder, row, out| encoder.activity(CATEGORY, row, out);
    check("activity", data, Decoder::activity, write, |row| {
        drop(codec::activity_json(row));
        key(&row.key());
    });
}

/// A row of an actors view.
pub(crate) fn actors(data: &[u8]) {
    let write: Write<_> = |encoder, row, out| encoder.actors(CATEGORY, row, out);
    check("actors", data, Decoder::actors, write, |row| {
        drop(codec::actors_json(row));
        key(&row.key());
    });
}

/// A row of a register view.
pub(crate) fn register(data: &[u8]) {
    let write: Write<_> = |encoder, row, out| encoder.register(CATEGORY, row, out);
    check("register", data, Decoder::register, write, |row| {
        drop(codec::register_json(row));
        key(&row.key());
    });
}

/// A settings row.
pub(crate) fn setting(data: &[u8]) {
    check("setting", data, Decoder::setting, Encoder::setting, |row| {
        drop(codec::setting_json(row));
        key(&row.key());
    });
}

/// Writes whatever the ledger holds.
pub(crate) fn write_ledger(
    encoder: &mut Encoder,
    record: &LedgerRecord,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match record {
        LedgerRecord::Account(row) => encoder.ledger(row, out),
        LedgerRecord::Sequence(row) => encoder.sequence(row, out),
        LedgerRecord::Coverage { stage, partition, coverage, committed_at } => {
            encoder.coverage(stage, *partition, coverage, *committed_at, out)
        }
    }
}

/// Reads a datum by every version of its schema; what is read is written by the latest one, read again, and written once more
/// to the same bytes. Bytes are compared, as a row may hold a number that is not one.
fn check<T>(name: &str, datum: &[u8], read: Read<T>, write: Write<T>, show: fn(&T)) {
    let mut out = [Vec::new(), Vec::new()];
    for value in versions(name, datum) {
        let Ok(record) = framing::DECODER.with(|decoder| read(decoder, &value)) else { continue };
        show(&record);
        written(write, &record, &mut out[0]);
        let again = framing::DECODER.with(|decoder| read(decoder, &out[0]));
        let again = again.unwrap_or_else(|error| panic!("what we wrote cannot be read: {error}"));
        written(write, &again, &mut out[1]);
        assert_eq!(out[0], out[1], "what was read again is not what was written");
    }
}

fn written<T>(write: Write<T>, record: &T, out: &mut Vec<u8>) {
    let result = ENCODER.with_borrow_mut(|encoder| write(encoder, record, out));
    result.unwrap_or_else(|error| panic!("what was read cannot be written: {error}"));
}

/// A key is text without control characters, and some of it.
fn key(key: &str) {
    assert!(!key.is_empty() && !key.chars().any(char::is_control), "{key:?}");
}
