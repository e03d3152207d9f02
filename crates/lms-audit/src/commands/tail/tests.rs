//! Places, names of topics, and every kind of topic over a small trail.

use clap::Parser as _;
use codec::Codec;
use serde_json::Value;

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::config::Span;
use crate::testing::{ACTIONS, printed, trail};

fn parse(arguments: &str) -> Result<Command, clap::Error> {
    let words = ["lms-audit", "tail"].into_iter().chain(arguments.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Commands::Tail(command) => Ok(command),
        other => panic!("{other:?}"),
    }
}

#[test]
fn places_to_begin() {
    for (text, expected) in [
        ("start", Some(From::Start)),
        ("end", Some(From::End)),
        ("42", Some(From::Offset(Offset::new(42)))),
        ("2h", Some(From::Time(When::Ago(Span::from_secs(7200))))),
        ("99999999999999999999", None),
        ("begin", None),
        ("", None),
        ("-1", None),
    ] {
        assert_eq!(text.parse::<From>().ok(), expected, "{text}");
    }
}

#[test]
fn topics_have_short_names() {
    for (name, expected) in [
        ("events", Some(Topic::Events)),
        ("lms.audit.events.v1", Some(Topic::Events)),
        ("actions", Some(Topic::Actions)),
        ("lms.audit.dead-letters", Some(Topic::DeadLetters)),
        ("reports.api-key.actors", Some(Topic::Report(catalog::Category::ApiKey, catalog::View::Actors))),
        ("event", None),
        ("", None),
    ] {
        assert_eq!(topic(name).ok(), expected, "{name}");
    }
}

#[test]
fn every_topic_is_decoded() {
    let mut log = trail(&ACTIONS);
    let decoder = Codec::single_object().decoder();
    let mut tail = |arguments: &str, format| {
        let command = parse(arguments).expect(arguments);
        printed(format, |shell| run(&command, shell, &mut log, &decoder))
    };
    for topic in Topic::all() {
        let text = tail(&format!("{} -n 100", topic.name()), Format::Jsonl);
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).expect("JSON");
            assert!(record["value"].is_object(), "{line}");
            assert!(record["value"].get("undecoded").is_none(), "{line}");
        }
    }
    for (arguments, records) in [
        ("actions", 7),
        ("actions -n 2", 2),
        ("actions --from start -n 3", 3),
        ("actions --from 5", 2),
        ("actions --from 2026-11-02T10:00:04Z", 3),
        ("events", 5),
        ("receipts", 1),
        ("dead-letters", 1),
        ("reports.skill.register", 0),
    ] {
        assert_eq!(tail(arguments, Format::Jsonl).lines().count(), records, "{arguments}");
    }
    let last: Value = serde_json::from_str(&tail("actions -n 1", Format::Jsonl)).expect("JSON");
    assert_eq!(last["value"]["id"], "a-5", "the last record, not the first");
    let text = tail("dead-letters", Format::Table);
    assert!(text.starts_with("0@0  2026-11-02T10:00:05Z  any\n"), "{text}");
    assert!(text.contains("    __dlq.errors.reason: unknown_action\n"), "{text}");
    assert!(text.contains("\"action\":\"course.teleported\""), "{text}");
}

#[test]
fn a_partition_that_is_not_there_is_misuse() {
    let mut log = trail(&[]);
    let decoder = Codec::single_object().decoder();
    let mut shell = Shell::new(crate::config::Config::default(), Format::Table, Vec::new());
    let command = parse("actions --partition 7").expect("parses");
    let error = run(&command, &mut shell, &mut log, &decoder).expect_err("refused");
    assert!(error.is::<Misuse>() && error.to_string().contains("it has 1"), "{error}");
}

#[test]
fn what_cannot_be_decoded_is_shown_as_it_is() {
    let decoder = Codec::single_object().decoder();
    let shown = |bytes: &[u8]| {
        let record = Record {
            partition: Partition::new(0),
            offset: Offset::new(0),
            timestamp: Millis::new(0),
            key: None,
            value: Some(bytes),
            headers: Vec::new(),
        };
        Shown::of(Topic::Actions, &record, &decoder).value
    };
    assert_eq!(shown(b"{\"a\":"), "{\"a\":");
    assert_eq!(shown(b"\xff\xfe")["bytes"], "fffe");
    assert!(shown(b"\xff\xfe")["undecoded"].is_string());
}
