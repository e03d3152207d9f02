//! The account: every action that was read stands in exactly one of events, dead letters and receipts, and the ledger agrees.

use std::collections::BTreeMap;

use catalog::{Receipt, Topic};
use codec::{Codec, LedgerRecord};
use pipeline::{REROUTE_HEADER, dead_letter};
use testkit::Taken;

use super::outputs::{Outputs, Written};

/// How many actions ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Audit events.
    pub recorded: usize,
    /// Receipts: seen before.
    pub duplicate: usize,
    /// Receipts: a rule says that it makes no event.
    pub suppressed: usize,
    /// Dead letters, by reason.
    pub dead_lettered: BTreeMap<String, usize>,
    /// Receipts: moved to their tenant's partition, where they are received.
    pub rerouted: usize,
}

/// Accounts for every action.
///
/// # Panics
/// When one stands in no place or in two, when an output speaks of none, or when the ledger has other sums.
#[track_caller]
#[must_use]
pub fn account(actions: &[Taken], outputs: &Outputs) -> Account {
    let mut account = Account::default();
    let mut found: BTreeMap<(u32, i64), Vec<String>> = BTreeMap::new();
    for (place, end) in ends(outputs) {
        match end.as_str() {
            "recorded" => account.recorded += 1,
            "duplicate" => account.duplicate += 1,
            "suppressed" => account.suppressed += 1,
            "rerouted" => account.rerouted += 1,
            reason => *account.dead_lettered.entry(reason.into()).or_default() += 1,
        }
        found.entry(place).or_default().push(end);
    }
    for action in actions {
        let place = (u32::try_from(action.partition).expect("not negative"), action.offset);
        let ends = found.remove(&place).unwrap_or_default();
        assert!(ends.len() == 1, "the action at {place:?} ended {} times: {ends:?}", ends.len());
    }
    assert!(found.is_empty(), "outputs speak of actions that nobody sees: {found:?}");
    let moved = |action: &&Taken| action.header(REROUTE_HEADER).is_some();
    let arrived = actions.iter().filter(moved).count();
    assert!(arrived >= account.rerouted, "{} actions were moved, {arrived} arrived", account.rerouted);
    assert_eq!(ledger(outputs), sums(&account), "received, recorded, duplicate, suppressed, dead-lettered");
    account
}

fn sums(account: &Account) -> [i64; 5] {
    let dead = account.dead_lettered.values().sum();
    let all = account.recorded + account.duplicate + account.suppressed + dead;
    [all, account.recorded, account.duplicate, account.suppressed, dead]
        .map(|count| i64::try_from(count).expect("few"))
}

fn ledger(outputs: &Outputs) -> [i64; 5] {
    let decoder = Codec::single_object().decoder();
    let mut sums = [0; 5];
    for (_, row) in outputs.rows_of(Topic::Ledger) {
        let value = row.value.as_deref().expect("deleted rows are left out");
        let row = match decoder.ledger(value).expect("a ledger row of ours") {
            LedgerRecord::Account(row) => row,
            LedgerRecord::Sequence(_) => continue,
            LedgerRecord::Coverage { .. } => panic!("coverage under the key of an account"),
        };
        let counts = [row.received, row.recorded, row.duplicate, row.suppressed, row.dead_lettered];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sums
}

/// Every action that an output speaks of, and how it ended.
fn ends(outputs: &Outputs) -> Vec<((u32, i64), String)> {
    let decoder = Codec::single_object().decoder();
    let value = |written: &Written| written.value.clone().expect("no tombstone among them");
    let mut ends = Vec::new();
    for (partition, written) in outputs.stream(Topic::Events) {
        let event = decoder.event(&value(written)).expect("an event of ours");
        assert_eq!(event.provenance.partition, partition, "an event lies in its action's partition");
        ends.push(((partition, event.provenance.offset), "recorded".to_owned()));
    }
    for (partition, written) in outputs.stream(Topic::Receipts) {
        let (place, end) = match decoder.receipt(&value(written)).expect("a receipt of ours") {
            Receipt::Duplicate(action) => ((action.partition, action.offset), "duplicate"),
            Receipt::Suppressed(action) => ((action.partition, action.offset), "suppressed"),
            Receipt::Rerouted { partition, offset, .. } => ((partition, offset), "rerouted"),
            receipt @ Receipt::Expired { .. } => panic!("nothing expires here: {receipt:?}"),
        };
        assert_eq!(place.0, partition, "a receipt lies in its action's partition");
        ends.push((place, end.to_owned()));
    }
    for (partition, written) in outputs.stream(Topic::DeadLetters) {
        let header = |name| last_header(written, name);
        let place = (header(dead_letter::headers::PARTITION), header(dead_letter::headers::OFFSET));
        let place = (place.0.parse().expect("a partition"), place.1.parse().expect("an offset"));
        assert_eq!(place.0, partition, "a dead letter lies in its action's partition");
        ends.push((place, header(dead_letter::headers::REASON)));
    }
    ends
}

fn last_header(written: &Written, name: &str) -> String {
    let found = written.headers.iter().rev().find(|(key, _)| key == name);
    let value = found.and_then(|(_, value)| value.clone()).unwrap_or_else(|| panic!("no header {name}"));
    String::from_utf8(value).expect("text")
}
