//! Dead letters of a small trail: every criterion, what is shown, and that none is replayed twice,
//! whatever goes wrong at whatever step.

use std::sync::Arc;

use catalog::Topic;
use clap::Parser as _;
use codec::Codec;
use embedded::{CrashPlan, EmbeddedLog, LogRecord, Step, Waiting, crash_points};
use pipeline::REPLAY_HEADER;
use pipeline::dead_letter::headers;
use pipeline::replay::{Marker, headers as marker};
use runtime::{Admin as _, Producer as _, Transaction as _};
use serde_json::Value;
use stage::{Millis, Offset, Output, Partition, Sink as _, TopicIndex};

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::config::Config;
use crate::output::Format;
use crate::testing::{self, FIRST_RECEIVED, printed};
use crate::topics;

mod foreseen;
mod limits;

/// Bad actions of two tenants and good ones between them: dead letters 0:0, 0:1 and so on.
pub(super) const ACTIONS: [&str; 9] = [
    r#"{"id":"a-1","source":"web","action":"course.completed","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme","actor":{"kind":"user","id":"u-1"},"user":{"id":"u-1"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"a-2","source":"web","action":"course.teleported","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme","actor":{"kind":"system"},"object":{"kind":"course","id":"c-9"},"reason":"a\u001b[31m bell"}"#,
    r#"{"id":"a-3","source":"jobs","action":"course.completed","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme"}"#,
    r#"{"id":"b-1","source":"web","action":"course.teleported","occurred_at":"2026-11-02T09:13:00Z","tenant":"birch","actor":{"kind":"system"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"a-1","source":"web","action":"course.completed","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme","actor":{"kind":"user","id":"u-2"},"user":{"id":"u-1"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"#,
    r#"{"id":"x-1","source":"web","action":"course.completed","occurred_at":"2026-11-02T09:13:00Z"}"#,
    r#"{"id":"a-2","source":"web","action":"course.teleported","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme","actor":{"kind":"system"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"a-1","source":"web","action":"course.dissolved","occurred_at":"2026-11-02T09:13:00Z","tenant":"acme","actor":{"kind":"system"},"object":{"kind":"course","id":"c-9"}}"#,
];

fn parse(arguments: &str) -> Result<Command, clap::Error> {
    let words = ["lms-audit", "dead-letters"].into_iter().chain(arguments.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Commands::DeadLetters(command) => Ok(command),
        other => panic!("{other:?}"),
    }
}

fn decoder() -> codec::Decoder {
    Codec::single_object().decoder()
}

fn shown(log: &EmbeddedLog, format: Format, arguments: &str) -> String {
    let command = parse(arguments).expect(arguments);
    printed(format, |shell| run(&command, shell, log, &decoder()))
}

/// The trail of these actions, with dead letters whose cause is mended: a catalog knows the actions by now.
fn mended_trail(actions: &[&str]) -> EmbeddedLog {
    let log = testing::trail(actions);
    let letters = records(&log, Topic::DeadLetters);
    log.create_topic(&Topic::DeadLetters.name(), 1);
    for mut letter in letters {
        let value = String::from_utf8(letter.value.expect("one")).expect("UTF-8");
        let unknown = ["course.teleported", "course.dissolved"];
        let known = unknown.iter().fold(value, |value, name| value.replace(name, "course.created"));
        letter.value = Some(known.into_bytes());
        log.append(&Topic::DeadLetters.name(), Partition::new(0), letter).expect("there");
    }
    log
}

/// What a replay says of each dead letter, and how it ended.
fn replay(log: &EmbeddedLog, arguments: &str) -> anyhow::Result<(Vec<(String, String)>, Verdict)> {
    let command = parse(&format!("replay {arguments}")).expect(arguments);
    let mut out = Vec::new();
    let mut shell = Shell::new(Config::default(), Format::Jsonl, &mut out);
    let verdict = run(&command, &mut shell, log, &decoder())?;
    drop(shell);
    let text = String::from_utf8(out).expect("UTF-8");
    let rows = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let cell = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (cell("letter"), format!("{} {}", cell("verdict"), cell("why")).trim().to_owned())
    });
    Ok((rows.collect(), verdict))
}

fn records(log: &EmbeddedLog, topic: Topic) -> Vec<LogRecord> {
    log.dump(&topic.name(), Partition::new(0)).expect("there").into_iter().map(|(_, record)| record).collect()
}

fn header(record: &LogRecord, name: &str) -> Option<String> {
    let value = record.headers.iter().rev().find(|(one, _)| one == name.as_bytes())?.1.clone()?;
    Some(String::from_utf8(value).expect("UTF-8"))
}

/// The actions that were published again: where each was a dead letter, and its value.
fn replayed(log: &EmbeddedLog) -> Vec<(String, Value)> {
    let all = records(log, Topic::Actions);
    let again = all.iter().filter_map(|record| Some((header(record, REPLAY_HEADER)?, record)));
    again
        .map(|(of, record)| {
            let names: Vec<_> =
                record.headers.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
            assert_eq!(names, [REPLAY_HEADER], "what the trail added is gone");
            let value: Value = serde_json::from_slice(record.value.as_deref().expect("one")).expect("JSON");
            assert_eq!(record.key.as_deref(), value["tenant"].as_str().map(str::as_bytes), "keyed by tenant");
            (of, value)
        })
        .collect()
}

/// The dead letters that have a marker, each as often as it has one.
fn marked(log: &EmbeddedLog) -> Vec<String> {
    let all = records(log, Topic::DeadLetters);
    let of = |record: &LogRecord| {
        let of = header(record, marker::OF)?;
        assert_eq!((&record.value, header(record, headers::REASON)), (&None, None), "it is no dead letter");
        Some(of)
    };
    all.iter().filter_map(of).collect()
}

#[test]
fn every_criterion_keeps_what_it_says() {
    let log = testing::trail(&ACTIONS);
    let places = |arguments: &str| {
        let text = shown(&log, Format::Jsonl, &format!("list {arguments}"));
        let place = |line: &str| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            row["letter"].as_str().expect("a place").trim_start_matches("0:").to_owned()
        };
        text.lines().map(place).collect::<Vec<_>>().join(" ")
    };
    let all = places("");
    let places_of = |numbers: &[usize]| {
        let all: Vec<_> = all.split(' ').collect();
        numbers.iter().map(|number| all[*number]).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(all.split(' ').count(), 8, "{all}");
    for (arguments, expected) in [
        ("--reason unknown_action", &[0, 2, 6, 7][..]),
        ("--reason malformed --reason missing_field", &[1, 4, 5]),
        ("--reason oversized", &[]),
        ("--tenant acme", &[0, 1, 3, 6, 7]),
        ("--tenant acme --source jobs", &[1]),
        ("--tenant birch --tenant acme --reason unknown_action", &[0, 2, 6, 7]),
        ("--id a-1", &[3, 7]),
        ("--id x-1 --id b-1", &[2, 5]),
        ("--since 2026-11-02T10:00:05Z", &[4, 5, 6, 7]),
        ("--until 2026-11-02T10:00:05Z", &[0, 1, 2, 3]),
        ("--since 2026-11-02T10:00:02Z --until 2026-11-02T10:00:03Z", &[1]),
        ("--open", &[0, 1, 2, 3, 4, 5, 6, 7]),
    ] {
        assert_eq!(places(arguments), places_of(expected), "{arguments}");
    }
    let third = places_of(&[2]);
    assert_eq!(places(&format!("--id 0:{third}")), third);
    let text = shown(&log, Format::Csv, "list --by reason");
    let counts: Vec<_> = text.lines().skip(1).map(|line| line.split(",2026").next().expect("one")).collect();
    assert_eq!(
        counts,
        ["conflicting_duplicate,1,0", "malformed,1,0", "missing_field,2,0", "unknown_action,4,0"]
    );
}

#[test]
fn one_is_shown_in_full_and_nothing_reaches_the_terminal_raw() {
    let log = testing::trail(&ACTIONS);
    let first = shown(&log, Format::Csv, "list --id a-2").lines().nth(1).expect("one").to_owned();
    let place = first.split(',').next().expect("a cell");
    let text = shown(&log, Format::Table, &format!("show {place}"));
    for line in [
        "action        lms.actions.v1 partition 0 offset 1",
        "received at   2026-11-02T10:00:01Z",
        "reason        unknown_action",
        "tenant        acme",
        "key           any",
        "    __dlq.errors.reason: unknown_action",
    ] {
        assert!(text.lines().any(|one| one == line), "{line:?} is not in\n{text}");
    }
    assert!(text.contains(r"a\u001b[31m bell") && !text.contains('\u{1b}'), "{text}");
    let command = parse("show 0:9999").expect("parses");
    let mut shell = Shell::new(Config::default(), Format::Table, Vec::new());
    let error = run(&command, &mut shell, &log, &decoder()).expect_err("refused");
    assert!(error.is::<crate::verdict::Misuse>(), "{error}");
}

#[test]
fn what_can_be_replayed_is_and_once() {
    let log = mended_trail(&ACTIONS);
    let (dry, verdict) = replay(&log, "--all --dry-run").expect("runs");
    assert_eq!(verdict, Verdict::Differs, "some are refused");
    assert_eq!((replayed(&log), marked(&log)), (vec![], vec![]), "a dry run writes nothing");
    let says = |number: usize, text: &str| assert!(dry[number].1.starts_with(text), "{:?}", dry[number]);
    for (number, text) in [
        (0, "would be replayed"),
        (1, "refused it would become a dead letter again: missing_field: actor is missing"),
        (2, "would be replayed"),
        (3, "refused an action of its tenant, source and id says something else: give it a --new-id"),
        (4, "refused it cannot be read"),
        (5, "refused no valid tenant can be read"),
        (6, "refused dead letter 0:0 of this replay has its tenant, source and id"),
        (7, "not again an audit event of its tenant, source and id exists"),
    ] {
        says(number, text);
    }
    replay(&log, "--all --yes").expect("runs");
    let expected: Vec<_> = [0, 2].map(|number: usize| dry[number].0.clone()).into();
    let of = |all: Vec<(String, Value)>| all.into_iter().map(|(of, _)| of).collect::<Vec<_>>();
    assert_eq!((of(replayed(&log)), marked(&log)), (expected.clone(), expected.clone()));

    let (second, verdict) = replay(&log, "--reason unknown_action --tenant birch --yes").expect("runs");
    assert_eq!(verdict, Verdict::Fine);
    assert!(second[0].1.starts_with("not again it was replayed at 2"), "{second:?}");
    assert_eq!(marked(&log), expected, "nothing was written");
    replay(&log, "--reason unknown_action --tenant birch --again --yes").expect("runs");
    assert_eq!(marked(&log).len(), 3);
    assert_eq!(shown(&log, Format::Jsonl, "list --open").lines().count(), 6);
    assert_eq!(shown(&log, Format::Jsonl, "list").lines().count(), 8, "a marker is no dead letter");
}

#[test]
fn what_is_mended_is_published_mended() {
    let log = mended_trail(&ACTIONS);
    let id = |value: &Value| value["id"].as_str().expect("one").to_owned();
    replay(&log, "--reason conflicting_duplicate --new-id {id}-corrected --yes").expect("runs");
    assert_eq!(id(&replayed(&log)[0].1), "a-1-corrected");
    let mend = "--mend tenant=birch --mend actor:={\"kind\":\"unknown\"} --mend action=course.created";
    let course = "--mend object:={\"kind\":\"course\",\"id\":\"c-1\"}";
    replay(&log, &format!("--id x-1 {mend} {course} --yes")).expect("runs");
    let (_, mended) = replayed(&log).pop().expect("one");
    assert_eq!((&mended["tenant"], &mended["actor"]["kind"]), (&"birch".into(), &"unknown".into()));
    // A field that is mended counts where it is judged whether the event exists.
    let (rows, _) = replay(&log, "--id a-2 --mend id=a-1 --dry-run").expect("runs");
    assert!(rows[0].1.starts_with("not again an audit event"), "{rows:?}");
}

#[test]
fn nothing_is_replayed_that_was_not_chosen() {
    for arguments in ["replay --all", "replay --dry-run --yes --all", "replay --reason eaten --yes"] {
        assert!(parse(arguments).is_err(), "{arguments}");
    }
    let log = testing::trail(&[]);
    for arguments in ["--yes", "--all --tenant acme --yes"] {
        let error = replay(&log, arguments).expect_err(arguments);
        assert!(error.is::<crate::verdict::Misuse>(), "{arguments}: {error}");
    }
}

/// The same topics in a log that one thread drives.
fn still(log: &EmbeddedLog) -> EmbeddedLog {
    let mut copy = EmbeddedLog::new(Arc::new(|| Millis::new(FIRST_RECEIVED + 100_000)), Waiting::AtOnce);
    let mut config = Config::default();
    config.topics.partitions = 1;
    copy.create(&topics::plan(&config)).expect("made");
    for topic in [Topic::Actions, Topic::DeadLetters, Topic::Events] {
        for record in records(log, topic) {
            copy.append(&topic.name(), Partition::new(0), record).expect("there");
        }
    }
    copy
}

#[test]
fn whatever_goes_wrong_at_whatever_step_each_is_replayed_once() {
    const BAD: [&str; 5] = [ACTIONS[1], ACTIONS[2], ACTIONS[3], ACTIONS[4], ACTIONS[0]];
    let trail = mended_trail(&BAD);
    let done = |log: &EmbeddedLog| {
        let mut log = log.clone();
        for _ in 0..3 {
            // Two transactions: between them, too, it may end.
            if replay(&log, "--all --per-transaction 1 --yes").is_ok() {
                return (replayed(&log), marked(&log));
            }
            if !log.is_alive() {
                log = log.restart();
            }
        }
        panic!("it never ends");
    };
    let points = crash_points(
        || still(&trail),
        done,
        |point, undisturbed, disturbed| assert_eq!(undisturbed, &disturbed, "{point}"),
    );
    assert!(points > 30, "{points} crash points");
    let (again, markers) = done(&still(&trail));
    assert_eq!((again.len(), markers.len()), (2, 2), "{markers:?}");
}

#[test]
fn a_marker_behind_an_open_transaction_is_not_missed() {
    let log = testing::trail(&ACTIONS[1..2]);
    let dead_letters = Topic::DeadLetters.name();
    let mut other =
        Broker::producer(&log, "other", &dead_letters, std::slice::from_ref(&dead_letters)).expect("made");
    let mut open = other.begin().expect("begun");
    open.send(&Output {
        topic: TopicIndex::new(0),
        partition: Partition::new(0),
        timestamp: Millis::new(0),
        key: None,
        value: None,
        headers: &[],
    });
    let mut behind = LogRecord::new(Millis::new(FIRST_RECEIVED), b"any", b"");
    behind.value = None;
    let letter = (Partition::new(0), Offset::new(0));
    Marker { of: letter, to_partition: letter.0, tenant: "acme", id: "a-2" }.with_headers(|headers| {
        behind.headers = headers.iter().map(|h| (h.name.to_vec(), h.value.map(<[u8]>::to_vec))).collect();
    });
    log.append(&dead_letters, Partition::new(0), behind).expect("there");
    log.plan(CrashPlan::default());
    let asked = log.clone();
    let replay = std::thread::spawn(move || replay(&asked, "--all --yes").expect("runs"));
    let reads = || log.steps().iter().filter(|step| **step == Step::Read).count();
    while reads() < 2 {
        assert!(!replay.is_finished(), "it did not wait for what is open before the marker");
        std::thread::yield_now();
    }
    open.abort().expect("aborted");
    let (rows, _) = replay.join().expect("no panic");
    assert!(rows[0].1.starts_with("not again it was replayed at"), "{rows:?}");
    assert_eq!(replayed(&log), vec![]);
}

#[test]
fn of_two_replays_at_once_the_first_publishes_nothing_more() {
    let log = still(&testing::trail(&ACTIONS));
    let topics = [Topic::Actions.name(), Topic::DeadLetters.name()];
    let id = format!("{}-dead-letters-replay", crate::stages::APP);
    let mut first = Broker::producer(&log, &id, &topics[0], &topics).expect("made");
    replay(&log, "--tenant birch --yes").expect("runs");
    assert!(first.begin().is_err(), "it is fenced");
}
