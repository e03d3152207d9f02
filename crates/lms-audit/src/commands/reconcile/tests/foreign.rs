//! Records that somebody else wrote: named, and the rest is judged.

use super::*;

#[test]
fn a_record_of_somebody_else_is_named_and_the_rest_is_judged() {
    for topic in [Topic::Events, Topic::Receipts, Topic::DeadLetters, Topic::Ledger] {
        let name = topic.name().replace("lms.audit.", "").replace(".v1", "");
        let log = testing::trail(&ACTIONS);
        // Of the ledger what lies before its coverage is looked at.
        let at = |all: &[LogRecord]| if topic == Topic::Ledger { 0 } else { all.len() };
        rewrite(&log, topic, |all| all.insert(at(all), strange()));
        let (rows, _) = reconciled(&log, "").expect("it goes on");
        assert_eq!((&rows[0]["actions"], &rows[0]["lost"]), (&7.into(), &0.into()), "{rows:?}");
        let found = rows.iter().find(|row| row["what"] == "foreign").expect("it is named");
        let detail = found["detail"].as_str().expect("a text");
        assert!(detail.ends_with("see deploy/foreign-record.md"), "{detail}");
        assert!(differences(&log, "")[0].starts_with(&format!("foreign {name} ")), "{rows:?}");
    }
    let rows = Topic::Report(catalog::Category::Certificate, catalog::View::Activity);
    check(rows, |all| all.insert(0, strange()), &["foreign reports.certificate.activity 0 x"]);
    let lost = |events: &mut Vec<LogRecord>| *events.first_mut().expect("one") = strange();
    let log = testing::trail(&ACTIONS);
    rewrite(&log, Topic::Events, lost);
    let said = differences(&log, "");
    assert!(said[0] == "lost lms.actions 0 any" && said.contains(&"foreign events 0 x".into()), "{said:?}");
}

/// A record that lms-audit never writes.
fn strange() -> LogRecord {
    LogRecord::new(stage::Millis::new(testing::FIRST_RECEIVED), b"x", b"hello")
}
