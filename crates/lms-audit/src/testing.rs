//! A small trail for tests: actions that ran through both stages on the embedded broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog::Topic;
use codec::Codec;
use embedded::{EmbeddedLog, Waiting};
use runtime::{Admin as _, Publisher as _};
use stage::Millis;

use crate::commands::demo::{Lifecycle as _, Workers, settle};
use crate::config::Config;
use crate::output::Format;
use crate::shell::Shell;
use crate::topics;
use crate::verdict::Verdict;

/// Broker time of the first action, 2026-11-02 10:00:00Z; each next one comes a second later.
pub(crate) const FIRST_RECEIVED: i64 = 1_793_613_600_000;

/// Some actions of acme, and one of another tenant.
pub(crate) const ACTIONS: [&str; 7] = [
    r#"{"id":"a-1","source":"lms.web","action":"certificate.issued","occurred_at":"2026-11-02T09:14:03Z","tenant":"acme","actor":{"kind":"user","id":"u-3","name":"Kim"},"user":{"id":"u-17","name":"Noor"},"object":{"kind":"certificate","id":"c-1","title":"Fire safety"},"within":[{"kind":"course","id":"c-9"}]}"#,
    r#"{"id":"a-2","source":"lms.web","action":"course.completed","occurred_at":"2026-11-02T09:13:00.25Z","tenant":"acme","actor":{"kind":"user","id":"u-17"},"user":{"id":"u-17"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"b-1","source":"lms.web","action":"course.completed","occurred_at":"2026-11-02T09:00:00Z","tenant":"birch","actor":{"kind":"user","id":"u-1"},"user":{"id":"u-1"},"object":{"kind":"course","id":"c-9"}}"#,
    r#"{"id":"a-3","source":"lms.jobs","action":"certificate.expired","occurred_at":"2026-11-01T23:00:00Z","tenant":"acme","actor":{"kind":"system"},"user":{"id":"u-18"},"object":{"kind":"certificate","id":"c-2"},"within":[{"kind":"course","id":"c-9"},{"kind":"catalog","id":"k-1"}],"reason":"a year\u001b is over"}"#,
    r#"{"id":"a-1","source":"lms.web","action":"certificate.issued","occurred_at":"2026-11-02T09:14:03Z","tenant":"acme","actor":{"kind":"user","id":"u-3","name":"Kim"},"user":{"id":"u-17","name":"Noor"},"object":{"kind":"certificate","id":"c-1","title":"Fire safety"},"within":[{"kind":"course","id":"c-9"}]}"#,
    r#"{"id":"a-4","source":"lms.web","action":"course.teleported","occurred_at":"2026-11-02T09:14:03Z","tenant":"acme","actor":{"kind":"system"}}"#,
    r#"{"id":"a-5","source":"lms.web","action":"certificate.issued","occurred_at":"2026-11-02T09:20:00Z","tenant":"acme","actor":{"kind":"user","id":"u-3"},"on_behalf_of":{"kind":"service","id":"=hr"},"user":{"id":"u-18"},"object":{"kind":"certificate","id":"c-2"},"within":[{"kind":"catalog","id":"k-1"}]}"#,
];

/// The trail of these actions, one partition each topic.
pub(crate) fn trail(actions: &[&str]) -> EmbeddedLog {
    let time = Arc::new(AtomicI64::new(FIRST_RECEIVED));
    let clock = Arc::clone(&time);
    let mut log =
        EmbeddedLog::new(Arc::new(move || Millis::new(clock.load(Ordering::Relaxed))), Waiting::Live);
    let mut config = Config::default();
    config.topics.partitions = 1;
    log.create(&topics::plan(&config)).expect("made");
    let mut publisher = log.publisher(&Topic::Actions.name()).expect("there");
    for action in actions {
        publisher.publish(Some(b"any"), action.as_bytes(), &[]).expect("taken");
        time.fetch_add(1000, Ordering::Relaxed);
    }
    let codec = Codec::single_object();
    let mut workers = Workers::new(log.clone(), config, codec.clone());
    workers.start().expect("started");
    let settled = settle(&mut log, &codec.decoder(), 1, &mut workers, Duration::from_secs(20));
    workers.stop().expect("stopped");
    settled.expect("settled");
    log
}

/// What a command prints.
pub(crate) fn printed(format: Format, run: impl FnOnce(&mut Shell<'_>) -> anyhow::Result<Verdict>) -> String {
    let mut out = Vec::new();
    let mut shell = Shell::new(Config::default(), format, &mut out);
    assert_eq!(run(&mut shell).expect("runs"), Verdict::Fine);
    drop(shell);
    String::from_utf8(out).expect("UTF-8")
}
