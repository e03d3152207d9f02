//! The report over a small trail: golden lines, every filter, both orders.

use clap::Parser as _;
use codec::Codec;
use embedded::EmbeddedLog;

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::testing::{ACTIONS, printed, trail};

fn parse(arguments: &str) -> Result<Command, clap::Error> {
    let words = "lms-audit trail --tenant acme".split(' ').chain(arguments.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Commands::Trail(command) => Ok(command),
        other => panic!("{other:?}"),
    }
}

fn report(log: &EmbeddedLog, format: Format, arguments: &str) -> String {
    let command = parse(arguments).expect(arguments);
    let decoder = Codec::single_object().decoder();
    printed(format, |shell| run(&command, shell, &mut log.clone(), &decoder))
}

#[test]
fn lines_read_like_sentences_and_are_sorted() {
    let log = trail(&ACTIONS);
    assert_eq!(
        report(&log, Format::Table, ""),
        "\
2026-11-01 23:00:00Z  CertificateExpired  Certificate expired.  by system  to u-18  certificate c-2  in course c-9  in catalog k-1  because \"a year\\u{1b} is over\"
2026-11-02 09:13:00Z  CourseCompleted  Learner completed course.  by user u-17  to u-17  course c-9
2026-11-02 09:14:03Z  CertificateIssued  Certificate was issued.  by Kim (user u-3)  to Noor (u-17)  certificate c-1 \"Fire safety\"  in course c-9
2026-11-02 09:20:00Z  CertificateIssued  Certificate was issued.  by user u-3  on behalf of service =hr  to u-18  certificate c-2  in catalog k-1
"
    );
}

#[test]
fn every_filter_keeps_what_it_says() {
    let log = trail(&ACTIONS);
    let ids = |arguments: &str| {
        let text = report(&log, Format::Jsonl, arguments);
        let id = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            event["id"].as_str().expect("an id").to_string()
        };
        text.lines().map(id).collect::<Vec<_>>().join(" ")
    };
    for (arguments, expected) in [
        ("--unsorted", "a-1 a-2 a-3 a-5"),
        ("--category certificate", "a-3 a-1 a-5"),
        ("--event-type CertificateIssued --event-type CourseCompleted", "a-2 a-1 a-5"),
        ("--actor u-3", "a-1 a-5"),
        ("--actor system", "a-3"),
        ("--user u-18 --category certificate", "a-3 a-5"),
        ("--object certificate/c-2", "a-3 a-5"),
        ("--object c-9", "a-3 a-2 a-1"),
        ("--object course/c-2", ""),
        ("--id a-2", "a-2"),
        ("--since 2026-11-02", "a-2 a-1 a-5"),
        ("--until 2026-11-02", "a-3"),
        ("--since 2026-11-02T09:13:00.25Z --until 2026-11-02T09:14:03Z", "a-2"),
        ("--received-since 2026-11-02T10:00:02Z", "a-3 a-5"),
        ("--received-until 2026-11-02T10:00:02Z", "a-2 a-1"),
        ("--received-since 2026-11-03", ""),
        ("--limit 2", "a-1 a-5"),
    ] {
        assert_eq!(ids(arguments), expected, "{arguments}");
    }
}

#[test]
fn an_event_is_found_by_its_own_id() {
    let log = trail(&ACTIONS);
    let line = report(&log, Format::Jsonl, "--id a-2");
    let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let id = event["event_id"].as_str().expect("an id");
    assert_eq!(report(&log, Format::Jsonl, &format!("--id {id}")), line);
}

#[test]
fn csv_holds_no_formula() {
    let log = trail(&ACTIONS);
    let text = report(&log, Format::Csv, "--category certificate --until 2026-11-02");
    let mut lines = text.lines();
    let columns = "occurred_at,received_at,category,event_type,activity,actor,user,object,within,reason,source,event_id";
    assert_eq!(lines.next(), Some(columns));
    let row = "2026-11-01T23:00:00Z,2026-11-02T10:00:03Z,certificate,CertificateExpired,Certificate expired.,\
               system,u-18,certificate c-2,\"course c-9, catalog k-1\",a year\\u{1b} is over,lms.jobs,";
    assert!(lines.next().expect("a row").starts_with(row), "{text}");
    assert_eq!(lines.next(), None);
}

#[test]
fn arguments_that_name_nothing_are_refused() {
    for arguments in ["--category certificates", "--event-type Certificate", "--since yesterday", "--limit x"]
    {
        assert!(parse(arguments).is_err(), "{arguments}");
    }
    assert!(Cli::try_parse_from(["lms-audit", "trail", "--tenant", "a b"]).is_err());
    assert!(Cli::try_parse_from(["lms-audit", "trail"]).is_err());
}
