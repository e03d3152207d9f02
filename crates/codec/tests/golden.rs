//! One example of every record in its JSON and its bytes. A change here is a change of what lies in
//! topics for years: `UPDATE_GOLDEN=1 cargo test -p codec --test golden` writes the files anew.

mod support;

use std::path::PathBuf;

use codec::{
    Codec, LedgerRecord, action_json, activity_json, actors_json, event_json, ledger_json, receipt_json,
    register_json, setting_json,
};
use serde_json::Value;

/// Compares with the golden file: JSON, an empty line, the bytes as hex in lines of 32.
fn check(name: &str, json: &Value, bytes: &[u8]) {
    let lines =
        bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let found = format!(
        "{}\n\n{}\n",
        serde_json::to_string_pretty(json).expect("JSON"),
        lines.collect::<Vec<_>>().join("\n")
    );
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, expected, "{name} is not as it was");
}

#[test]
fn records_are_written_as_ever() {
    let mut encoder = Codec::single_object().encoder();
    let mut out = Vec::new();
    let category = support::event().action.entry.category;

    encoder.action(&support::action(), &mut out).expect("written");
    check("action", &serde_json::from_slice(&action_json(&support::action())).expect("JSON"), &out);
    encoder.event(&support::event(), &mut out).expect("written");
    check("audit-event", &event_json(&support::event()), &out);
    for (receipt, name) in support::receipts().iter().zip(["duplicate", "suppressed", "rerouted", "expired"])
    {
        encoder.receipt(receipt, &mut out).expect("written");
        check(&format!("receipt-{name}"), &receipt_json(receipt), &out);
    }
    encoder.activity(category, &support::activity(), &mut out).expect("written");
    check("activity", &activity_json(&support::activity()), &out);
    encoder.actors(category, &support::actors(), &mut out).expect("written");
    check("actors", &actors_json(&support::actors()), &out);
    encoder.register(category, &support::register(), &mut out).expect("written");
    check("register", &register_json(&support::register()), &out);
    for (account, name) in support::accounts().into_iter().zip(["source", "tenant", "partition"]) {
        let row = support::ledger(account);
        encoder.ledger(&row, &mut out).expect("written");
        check(&format!("ledger-{name}"), &ledger_json(&LedgerRecord::Account(row)), &out);
    }
    let record = support::coverage(Some(1_793_610_843_123));
    let LedgerRecord::Coverage { stage, partition, coverage, committed_at } = &record else {
        panic!("it is coverage");
    };
    encoder.coverage(stage, *partition, coverage, *committed_at, &mut out).expect("written");
    check("ledger-coverage", &ledger_json(&record), &out);
    encoder.sequence(&support::sequence(), &mut out).expect("written");
    check("ledger-sequence", &ledger_json(&LedgerRecord::Sequence(support::sequence())), &out);
    encoder.setting(&support::setting(), &mut out).expect("written");
    check("setting", &setting_json(&support::setting()), &out);
}

/// What the first version of the schema wrote lies in topics still.
#[test]
fn a_ledger_row_of_the_first_version_is_read() {
    let written = "c30104e9e6c59916ad1302020861636d65020e6c6d732e776562008090d3eeebd1af06140a0402040280bcdb92f2d1af0600";
    let bytes: Vec<_> = (0..written.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&written[at..at + 2], 16).expect("hex"))
        .collect();
    let [source, ..] = support::accounts();
    let expected = LedgerRecord::Account(support::ledger(source));
    assert_eq!(Codec::single_object().decoder().ledger(&bytes), Ok(expected));
}
