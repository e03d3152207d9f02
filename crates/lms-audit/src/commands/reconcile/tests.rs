//! A small trail, healthy and with one thing wrong at a time; what is said of it, row by row.

use catalog::{Account, Receipt, Topic};
use clap::Parser as _;
use codec::{Codec, LedgerRecord};
use embedded::{EmbeddedLog, LogRecord};
use serde_json::Value;
use stage::Partition;

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::config::Config;
use crate::output::Format;
use crate::testing::{self, ACTIONS};

mod foreign;
mod waiting;

fn parse(arguments: &str) -> Result<Command, clap::Error> {
    let words = ["lms-audit", "reconcile"].into_iter().chain(arguments.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Commands::Reconcile(command) => Ok(command),
        other => panic!("{other:?}"),
    }
}

/// The rows that are printed, and how it ended.
fn reconciled(log: &EmbeddedLog, arguments: &str) -> anyhow::Result<(Vec<Value>, Verdict)> {
    let command = parse(arguments).expect(arguments);
    let mut out = Vec::new();
    let mut shell = Shell::new(Config::default(), Format::Jsonl, &mut out);
    let verdict = run(&command, &mut shell, &mut log.clone(), &Codec::single_object().decoder())?;
    drop(shell);
    let text = String::from_utf8(out).expect("UTF-8");
    Ok((text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(), verdict))
}

/// Findings that are differences, each as `what topic offset key`, the topic without its family.
fn differences(log: &EmbeddedLog, arguments: &str) -> Vec<String> {
    let (rows, verdict) = reconciled(log, arguments).expect("it can be read");
    let text = |row: &Value, name: &str| row[name].as_str().expect(name).to_owned();
    let is_difference =
        |row: &&Value| !["account", "silent", "gap", "expired"].contains(&&*text(row, "what"));
    let said = rows.iter().filter(is_difference).map(|row| {
        let topic = text(row, "topic").replace("lms.audit.", "").replace(".v1", "");
        let offset = row["offset"].as_i64().map_or_else(|| "-".into(), |offset| offset.to_string());
        format!("{} {topic} {offset} {}", text(row, "what"), text(row, "key")).trim().to_owned()
    });
    let said: Vec<_> = said.collect();
    assert_eq!(verdict, if said.is_empty() { Verdict::Fine } else { Verdict::Differs }, "{said:?}");
    said
}

/// Writes a topic anew with other records.
fn rewrite(log: &EmbeddedLog, topic: Topic, edit: impl FnOnce(&mut Vec<LogRecord>)) {
    let (name, partition) = (topic.name(), Partition::new(0));
    let all = log.dump(&name, partition).expect("there");
    let mut records = all.into_iter().map(|(_, record)| record).collect();
    edit(&mut records);
    log.create_topic(&name, 1);
    for record in records {
        log.append(&name, partition, record).expect("there");
    }
}

/// Changes the last row of an account in the ledger.
fn falsify(records: &mut [LogRecord], change: impl Fn(&mut catalog::LedgerRow)) {
    let codec = Codec::single_object();
    let (decoder, mut encoder) = (codec.decoder(), codec.encoder());
    for record in records.iter_mut().rev() {
        let value = record.value.as_mut().expect("no tombstone");
        if let LedgerRecord::Account(mut row) = decoder.ledger(value).expect("ours")
            && matches!(row.account, Account::Source(..))
        {
            change(&mut row);
            encoder.ledger(&row, value).expect("a row");
            return;
        }
    }
    panic!("no account");
}

#[test]
fn a_healthy_trail_agrees_and_says_what_became_of_what() {
    let log = testing::trail(&ACTIONS);
    let (rows, verdict) = reconciled(&log, "").expect("it can be read");
    assert_eq!(verdict, Verdict::Fine, "{rows:?}");
    let account = &rows[0];
    for (name, expected) in [
        ("actions", 7),
        ("recorded", 5),
        ("duplicate", 1),
        ("dead_lettered", 1),
        ("suppressed", 0),
        ("lost", 0),
    ] {
        assert_eq!(account[name], expected, "{name} of {account}");
    }
    // The clock of the test is far ahead of these actions.
    let silent =
        |row: &Value| (row["what"] == "silent").then(|| row["detail"].as_str().expect("text").to_owned());
    let silent: Vec<_> = rows.iter().filter_map(silent).collect();
    assert_eq!(
        silent,
        [
            "source lms.jobs: nothing since 2026-11-02 10:00:03Z",
            "source lms.web: nothing since 2026-11-02 10:00:06Z",
            "source lms.web: nothing since 2026-11-02 10:00:02Z"
        ]
    );
    let (rows, _) = reconciled(&log, "--silent-after 36500d").expect("it can be read");
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[test]
fn nothing_at_all_agrees() {
    let log = testing::trail(&[]);
    let (rows, verdict) = reconciled(&log, "").expect("it can be read");
    assert_eq!((verdict, &rows[0]["actions"]), (Verdict::Fine, &Value::from(0)));
}

/// Writes `topic` of a healthy trail anew and compares what is said.
#[track_caller]
fn check(topic: Topic, edit: impl FnOnce(&mut Vec<LogRecord>), expected: &[&str]) {
    let log = testing::trail(&ACTIONS);
    rewrite(&log, topic, edit);
    assert_eq!(differences(&log, ""), expected);
}

#[test]
fn what_is_left_out_is_lost_and_the_ledger_and_the_report_say_so_too() {
    check(Topic::Events, |_| {}, &[]);
    let web = "acme/lms.web/2026-11-02T10";
    let ledger = format!("ledger_differs ledger - {web}");
    let report = "reports_differ reports.certificate.activity -";
    check(Topic::Events, |events| drop(events.remove(0)), &["lost lms.actions 0 any", &ledger, report]);
    check(Topic::Receipts, |receipts| drop(receipts.remove(0)), &["lost lms.actions 4 any", &ledger]);
    check(Topic::DeadLetters, |letters| drop(letters.remove(0)), &["lost lms.actions 5 any", &ledger]);
    check(Topic::Ledger, |rows| rows.retain(|row| row.key.as_deref() != Some(web.as_bytes())), &[&ledger]);
}

#[test]
fn what_is_there_twice_is_doubled_wherever_the_second_lies() {
    let ledger = "ledger_differs ledger - acme/lms.web/2026-11-02T10";
    let doubled = |at: usize| move |records: &mut Vec<LogRecord>| records.insert(at, records[1].clone());
    // The last event comes to lie beyond what the aggregator had covered.
    let reports = ["course-and-training-plan", "certificate"]
        .map(|category| format!("reports_differ reports.{category}.activity -"));
    check(Topic::Events, doubled(2), &["doubled events 2 any", ledger, &reports[0], &reports[1]]);
    // At the end it lies behind events of later actions; still the two are told of together.
    check(Topic::Events, doubled(5), &["doubled events 5 any", ledger]);
    check(Topic::Receipts, |all| all.push(all[0].clone()), &["doubled receipts 1 any", ledger]);
    check(Topic::DeadLetters, |all| all.push(all[0].clone()), &["doubled dead-letters 1 any", ledger]);
}

#[test]
fn an_event_of_another_action_with_the_same_id_is_doubled() {
    let again = |records: &mut Vec<LogRecord>| {
        let codec = Codec::single_object();
        let mut event = codec.decoder().event(records[1].value.as_deref().expect("one")).expect("ours");
        // In the place of the action of the last event.
        event.provenance.offset = 6;
        records.truncate(4);
        let mut last = records[1].clone();
        codec.encoder().event(&event, last.value.as_mut().expect("one")).expect("an event");
        records.push(last);
    };
    let reports = ["course-and-training-plan", "certificate"]
        .map(|category| format!("reports_differ reports.{category}.activity -"));
    check(Topic::Events, again, &["doubled events 4 acme", &reports[0], &reports[1]]);
}

#[test]
fn what_names_no_action_is_unexplained_and_what_lies_behind_is_out_of_order() {
    let nowhere = |records: &mut Vec<LogRecord>| {
        let codec = Codec::single_object();
        let Receipt::Duplicate(mut action) =
            codec.decoder().receipt(records[0].value.as_deref().expect("one")).expect("ours")
        else {
            panic!("the only receipt is of a duplicate")
        };
        action.offset = -1;
        let mut more = records[0].clone();
        codec.encoder().receipt(&Receipt::Duplicate(action), more.value.as_mut().expect("one")).expect("one");
        records.push(more);
    };
    let log = testing::trail(&ACTIONS);
    rewrite(&log, Topic::Receipts, nowhere);
    let ledger = "ledger_differs ledger - acme/lms.web/2026-11-02T10";
    assert_eq!(differences(&log, ""), [ledger], "what is outside the actions is for the ledger to judge");
    let log = testing::trail(&ACTIONS);
    rewrite(&log, Topic::Events, |events| events.swap(0, 1));
    assert_eq!(differences(&log, ""), ["out_of_order events 1 any"]);
    // The last two actions are not there: an aborted one and the marker of that take up their offsets.
    let log = testing::trail(&ACTIONS);
    let name = Topic::Actions.name();
    let actions = log.dump(&name, Partition::new(0)).expect("there");
    log.create_stamped_topic(&name, 1);
    for (_, record) in actions.into_iter().take(5) {
        log.append(&name, Partition::new(0), record).expect("there");
    }
    abort_one(&log);
    assert_eq!(differences(&log, ""), ["unexplained dead-letters 0 acme", "unexplained events 4 acme"]);
}

/// Takes up two offsets of the actions with what nobody sees.
fn abort_one(log: &EmbeddedLog) {
    use runtime::{Broker as _, Producer as _, Transaction as _};
    use stage::{Output, Sink as _, TopicIndex};
    let name = Topic::Actions.name();
    let mut producer = log.producer("other", &name, std::slice::from_ref(&name)).expect("a producer");
    let mut transaction = producer.begin().expect("begun");
    transaction.send(&Output {
        topic: TopicIndex::new(0),
        partition: Partition::new(0),
        timestamp: stage::Millis::new(0),
        key: None,
        value: None,
        headers: &[],
    });
    transaction.abort().expect("aborted");
}

#[test]
fn a_row_of_the_ledger_that_says_something_else_is_told_of_with_both_counts() {
    let log = testing::trail(&ACTIONS);
    rewrite(&log, Topic::Ledger, |rows| {
        falsify(rows, |row| {
            row.recorded += 1;
            row.received += 1;
        });
    });
    let (rows, verdict) = reconciled(&log, "").expect("it can be read");
    assert_eq!(verdict, Verdict::Differs);
    let details: Vec<_> =
        rows.iter().filter(|row| row["what"] == "ledger_differs").map(|row| &row["detail"]).collect();
    let [detail] = details[..] else { panic!("{rows:?}") };
    assert!(
        detail.as_str().is_some_and(|text| text.starts_with("recorded ") && text.ends_with(" records")),
        "{detail}"
    );
    let changes: [fn(&mut catalog::LedgerRow); 3] =
        [|row| row.replayed += 1, |row| row.received += 1, |row| row.duplicate += 1];
    for change in changes {
        let log = testing::trail(&ACTIONS);
        rewrite(&log, Topic::Ledger, |rows| falsify(rows, change));
        assert_eq!(differences(&log, "").len(), 1);
    }
}

#[test]
fn ranges_are_judged_by_what_lies_in_them() {
    let log = testing::trail(&ACTIONS);
    rewrite(&log, Topic::Events, |events| drop(events.remove(0)));
    rewrite(&log, Topic::DeadLetters, |letters| drop(letters.remove(0)));
    let first = "lost lms.actions 0 any";
    let letter = "lost lms.actions 5 any";
    let report = "reports_differ reports.certificate.activity -";
    let ledger = "ledger_differs ledger - acme/lms.web/2026-11-02T10";
    for (arguments, expected) in [
        ("--offsets 0:0..7", &[first, letter][..]),
        ("--offsets 0:1..7", &[letter]),
        ("--offsets 0:1..5", &[]),
        ("--until 2026-11-02T10:00:05Z", &[first]),
        ("--since 2026-11-02T10:00:01Z", &[letter]),
        ("--since 2026-11-02T10:00:01Z --until 2026-11-02T10:00:05Z", &[]),
        ("--until 2026-11-02T10:00:00Z", &[]),
        ("--since 2026-11-02T10:00:00Z --until 2026-11-02T11:00:00Z", &[first, letter, ledger]),
        ("--since 2026-11-02T11:00:00Z", &[]),
    ] {
        assert_eq!(differences(&log, arguments), expected, "{arguments}");
    }
    let (rows, _) = reconciled(&log, "--offsets 0:1..5 --silent-after 36500d").expect("it can be read");
    assert_eq!(rows[0]["actions"], 4);
    assert_eq!(differences(&log, "--partition 0"), [first, letter, ledger, report]);
}

#[test]
fn what_expired_unread_is_told_of_and_explains_what_is_missing() {
    let log = testing::trail(&ACTIONS);
    log.truncate(&Topic::Actions.name(), Partition::new(0), stage::Offset::new(3)).expect("there");
    assert_eq!(differences(&log, ""), [] as [&str; 0], "older ones are for the ledger to judge");
    rewrite(&log, Topic::Events, |events| drop(events.remove(0)));
    let ledger = "ledger_differs ledger - acme/lms.web/2026-11-02T10";
    let said = differences(&log, "");
    assert!(
        said.iter().any(|line| line == ledger) && !said.iter().any(|line| line.starts_with("lost")),
        "{said:?}"
    );
}

#[test]
fn outputs_without_coverage_and_false_rows_of_reports_are_told_of() {
    let coverage = |row: &LogRecord| row.key.as_deref() != Some(&b"~coverage/normalizer/0"[..]);
    check(Topic::Ledger, |rows| rows.retain(coverage), &["ledger_differs ledger - ~coverage/normalizer/0"]);
    let topic = Topic::Report(catalog::Category::Certificate, catalog::View::Activity);
    let day =
        |row: &LogRecord| row.key.as_deref().is_some_and(|key| key.windows(5).any(|part| part == b"/day/"));
    let without =
        |rows: &mut Vec<LogRecord>| drop(rows.remove(rows.iter().position(day).expect("there is one")));
    check(topic, without, &["reports_differ reports.certificate.activity -"]);
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    for arguments in
        ["--offsets 0:1..2 --since 1d", "--offsets 0", "--metrics http://x --partition 0", "--since soon"]
    {
        assert!(parse(arguments).is_err(), "{arguments}");
    }
    let log = testing::trail(&[]);
    for arguments in
        ["--partition 1", "--offsets 0:1..2 --offsets 0:3..4", "--since 2026-11-02 --until 2026-11-01"]
    {
        let error = reconciled(&log, arguments).expect_err(arguments);
        assert!(error.is::<Misuse>(), "{error}");
    }
}
