//! Reports rebuilt on the embedded log: the same rows as before, whatever goes wrong at whatever step,
//! and no aggregator over half of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{Category, Micros, Topic, View};
use clap::Parser as _;
use embedded::{EmbeddedLog, LogRecord, Waiting, crash_points};
use pipeline::AGGREGATOR;
use runtime::{Admin as _, Consumer as _, Log as _, MemberSpec, WorkerConfig};
use stage::{Coverage, Millis, Partition};

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::commands::demo::{Lifecycle as _, Workers};
use crate::config::Config;
use crate::output::Format;
use crate::testing::{ACTIONS, FIRST_RECEIVED, trail};
use crate::topics;

mod lost;

const P: Partition = Partition::new(0);

fn codec() -> Codec {
    Codec::single_object()
}

fn rebuild(log: &EmbeddedLog, arguments: &str) -> anyhow::Result<String> {
    let words = ["lms-audit", "reports", "rebuild"].into_iter().chain(arguments.split_whitespace());
    let Commands::Reports(command) = Cli::try_parse_from(words)?.command else { panic!("{arguments}") };
    let mut out = Vec::new();
    let mut shell = Shell::new(Config::default(), Format::Csv, &mut out);
    run(&command, &mut shell, log, &mut log.clone(), &codec())?;
    drop(shell);
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// The last row of each key of every report, with its timestamp; and marks that lie in the ledger.
type Rows = (BTreeMap<(String, Vec<u8>), (Millis, Vec<u8>)>, Vec<String>);

fn rows(log: &EmbeddedLog) -> Rows {
    let mut rows = BTreeMap::new();
    for name in Topic::all().filter(|topic| matches!(topic, Topic::Report(..))).map(Topic::name) {
        for (_, LogRecord { timestamp, key, value, .. }) in log.dump(&name, P).expect("there") {
            let key = (name.clone(), key.expect("a key"));
            match value {
                Some(value) => drop(rows.insert(key, (timestamp, value))),
                None => drop(rows.remove(&key)),
            }
        }
    }
    let mut marks = BTreeMap::new();
    for (_, record) in log.dump(&Topic::Ledger.name(), P).expect("there") {
        let key = String::from_utf8(record.key.expect("a key")).expect("UTF-8");
        if key.starts_with("~coverage/rebuild.") {
            marks.insert(key, record.value.is_some());
        }
    }
    (rows, marks.into_iter().filter_map(|(key, is_there)| is_there.then_some(key)).collect())
}

fn written(log: &EmbeddedLog, report: (Category, View)) -> usize {
    log.dump(&Topic::Report(report.0, report.1).name(), P).expect("there").len()
}

#[test]
fn rows_are_the_same_after_a_rebuild_and_counting_goes_on() {
    let log = trail(&ACTIONS);
    let before = rows(&log);
    assert!(before.0.len() > 10 && before.1.is_empty(), "{before:?}");
    let register = (Category::Certificate, View::Register);
    let actors = (Category::UserProgress, View::Actors);
    let [one, other] = [written(&log, register), written(&log, actors)];

    let text = rebuild(&log, "certificate --dry-run").expect("runs");
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("lms.audit.reports.certificate.register.v1,2,2,0,0,0,0\n"), "{text}");
    assert_eq!((rows(&log), written(&log, register)), (before.clone(), one), "a dry run writes nothing");

    rebuild(&log, "certificate --yes").expect("runs");
    assert_eq!(rows(&log), before);
    assert_eq!(written(&log, register), one + 4, "two tombstones and two rows");
    assert_eq!(written(&log, actors), other, "nothing of another category");
    let all = rebuild(&log, "--yes --per-transaction 3").expect("runs");
    assert_eq!((rows(&log), all.lines().count()), (before, 37));

    // The aggregator restores what was rebuilt, and the next event is added to it.
    let more = ACTIONS[1].replace("\"a-2\"", "\"a-20\"");
    let expected = trail(&ACTIONS.iter().copied().chain([more.as_str()]).collect::<Vec<_>>());
    let record = log.dump(&Topic::Actions.name(), P).expect("there")[0].1.clone();
    let value = Some(more.into_bytes());
    log.append(&Topic::Actions.name(), P, LogRecord { value, ..record }).expect("there");
    let mut config = Config::default();
    config.topics.partitions = 1;
    let mut workers = Workers::new(log.clone(), config, codec());
    workers.start().expect("started");
    while rows(&log) != rows(&expected) {
        workers.check().expect("it runs");
        std::thread::yield_now();
    }
    workers.stop().expect("stopped");
}

#[test]
fn rows_that_no_event_makes_are_removed_and_wrong_ones_mended() {
    let log = trail(&ACTIONS);
    let before = rows(&log);
    let topic = Topic::Report(Category::Certificate, View::Actors).name();
    let (_, right) = log.dump(&topic, P).expect("there").pop().expect("one");
    let wrong = LogRecord { value: Some(b"of a rule that was wrong".to_vec()), ..right.clone() };
    log.append(&topic, P, LogRecord { key: Some(b"acme/nobody/".to_vec()), ..wrong.clone() }).expect("there");
    log.append(&topic, P, wrong).expect("there");
    let text = rebuild(&log, "certificate --view actors --yes").expect("runs");
    assert!(text.contains(",1,0,1,0\n"), "one is changed, one is lost: {text}");
    assert_eq!(rows(&log), before);
}

#[test]
fn while_the_group_lives_nothing_is_touched() {
    let log = trail(&ACTIONS);
    let before = rows(&log);
    let group = WorkerConfig::group(crate::stages::APP, AGGREGATOR);
    let member = MemberSpec {
        group,
        topic: Topic::Events.name(),
        client_id: "c".into(),
        instance_id: Some("the-living".into()),
    };
    let mut living = Broker::consumer(&log, &member).expect("joined");
    living.event().expect("an answer");
    let error = rebuild(&log, "--yes").expect_err("refused").to_string();
    assert!(error.contains("lms-audit-aggregator has members (the-living)"), "{error}");
    assert_eq!(rows(&log), before);
    rebuild(&log, "--dry-run").expect("a dry run only reads");
}

/// The same records in a log that one thread drives, without control records, covered to the end.
fn still(log: &EmbeddedLog) -> EmbeddedLog {
    let mut copy = EmbeddedLog::new(Arc::new(|| Millis::new(FIRST_RECEIVED + 100_000)), Waiting::AtOnce);
    let mut config = Config::default();
    config.topics.partitions = 1;
    copy.create(&topics::plan(&config)).expect("made");
    for name in Topic::all().filter(|topic| *topic != Topic::Ledger).map(Topic::name) {
        for (_, record) in log.dump(&name, P).expect("there") {
            copy.append(&name, P, record).expect("there");
        }
    }
    let events = Topic::Events.name();
    let coverage = Coverage {
        next: copy.extent(&events, P).expect("there").end,
        last_read: None,
        cluster_id: copy.cluster_id().expect("one"),
        topic_id: copy.topic_id(&events).expect("one"),
        expired: 0,
    };
    let (key, mut value) = (catalog::coverage_key(AGGREGATOR, 0), Vec::new());
    let at = Micros::from_millis(FIRST_RECEIVED).expect("in range");
    codec().encoder().coverage(AGGREGATOR, 0, &coverage, at, &mut value).expect("written");
    let record = LogRecord::new(Millis::new(FIRST_RECEIVED), key.as_bytes(), &value);
    copy.append(&Topic::Ledger.name(), P, record).expect("there");
    copy
}

#[test]
fn whatever_goes_wrong_at_whatever_step_it_is_finished_by_running_it_again() {
    let trail = trail(&ACTIONS);
    let before = rows(&still(&trail));
    let done = |log: &EmbeddedLog| {
        let mut log = log.clone();
        for _ in 0..3 {
            if rebuild(&log, "certificate --per-transaction 4 --yes").is_ok() {
                return rows(&log);
            }
            if !log.is_alive() {
                log = log.restart();
            }
            // Whatever is half done has its marks.
            let (rows, marks) = rows(&log);
            assert!(rows == before.0 || !marks.is_empty(), "half of it, and no mark");
        }
        panic!("it never ends");
    };
    let points = crash_points(
        || still(&trail),
        done,
        |point, undisturbed, disturbed| assert_eq!(undisturbed, &disturbed, "{point}"),
    );
    assert!(points > 60, "{points} crash points");
    assert_eq!(done(&still(&trail)), before);
}

/// Leaves the mark of a rebuild that was killed after its first transaction.
fn leave_mark(log: &EmbeddedLog, (category, view): (Category, View)) {
    let found = log.dump(&Topic::Ledger.name(), P).expect("there");
    let aggregator = catalog::coverage_key(AGGREGATOR, 0);
    let mut mark = found.into_iter().rev().find(|(_, one)| one.key.as_deref() == Some(aggregator.as_bytes()));
    let (_, mark) = mark.as_mut().expect("coverage");
    mark.key = Some(pipeline::rebuild_key(category, view, P).into_bytes());
    log.append(&Topic::Ledger.name(), P, mark.clone()).expect("there");
}

#[test]
fn over_a_rebuild_that_is_not_finished_the_aggregator_does_not_start() {
    let log = trail(&ACTIONS);
    let before = rows(&log);
    leave_mark(&log, (Category::Skill, View::Register));
    let mut config = Config::default();
    config.topics.partitions = 1;
    let mut workers = Workers::new(log.clone(), config, codec());
    workers.start().expect("started");
    let error = loop {
        match workers.check() {
            Ok(()) => std::thread::yield_now(),
            Err(error) => break format!("{error:#}"),
        }
    };
    let said = "the rebuild of lms.audit.reports.skill.register.v1 was begun and not finished";
    assert!(error.contains(said) && error.contains("`lms-audit reports rebuild --dry-run`"), "{error}");
    assert_eq!(rows(&log).0, before.0);
    let told = super::Marks::of(&mut log.clone(), P).expect("it can be read").told().expect("one");
    assert!(told.contains(": skill.register (partition 0);"), "{told}");
    rebuild(&log, "certificate --yes").expect("runs");
    assert_eq!(rows(&log).1.len(), 1, "another rebuild does not finish it");
    rebuild(&log, "skill --yes").expect("runs");
    assert_eq!(super::Marks::of(&mut log.clone(), P).expect("it can be read").told(), None);
    assert_eq!(rows(&log), before);
}
