//! The whole demo on the embedded broker: real stages, real codec, no Kafka.

use std::sync::Arc;

use clap::Parser as _;
use embedded::{EmbeddedLog, Waiting};
use stage::{Millis, Partition};

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::output::Format;

fn command(line: &str) -> Command {
    match Cli::try_parse_from(line.split(' ')).expect(line).command {
        Commands::Demo(command) => command,
        other => panic!("{other:?}"),
    }
}

fn log() -> EmbeddedLog {
    EmbeddedLog::new(Arc::new(|| Millis::new(when::now().millis())), Waiting::Live)
}

/// Workers among whom somebody sends an action of his own, once the demo has sent its.
struct Meddling(Workers<EmbeddedLog>, EmbeddedLog, Option<&'static str>);

impl Lifecycle for Meddling {
    fn start(&mut self) -> anyhow::Result<()> {
        self.0.start()
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let topic = Topic::Actions.name();
        let sent = (0..3).any(|p| self.1.extent(&topic, Partition::new(p)).is_ok_and(|e| e.end.number() > 0));
        if let Some(action) = self.2.take_if(|_| sent) {
            self.1.publisher(&topic)?.publish(Some(b"acme"), action.as_bytes(), &[])?;
        }
        self.0.check()
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.0.stop()
    }
}

fn demo(log: &EmbeddedLog, line: &str, meddling: Option<&'static str>) -> (Verdict, serde_json::Value) {
    let mut out = Vec::new();
    let mut shell = Shell::new(Config::default(), Format::Json, &mut out);
    let config = config(&shell);
    let codec = Codec::single_object();
    let workers = Workers::new(log.clone(), config.clone(), codec.clone());
    let mut workers = Meddling(workers, log.clone(), meddling);
    let ended = run(&command(line), &config, &mut shell, log, &codec, &mut workers).expect("runs");
    drop(shell);
    (ended, serde_json::from_slice(&out).expect("JSON"))
}

#[test]
fn everything_adds_up_and_again_on_the_same_log() {
    let log = log();
    for (line, least) in [("lms-audit demo -n 1000 --seed 1", 1000), ("lms-audit demo -n 400 --seed 2", 400)]
    {
        let (ended, printed) = demo(&log, line, None);
        assert_eq!(ended, Verdict::Fine, "{line}: {printed:#}");
        assert!(printed["account"]["received"].as_i64().expect("a number") > least, "{printed:#}");
        assert_eq!(printed["categories"].as_array().expect("a list").len(), 12);
    }
}

#[test]
fn what_does_not_add_up_is_said() {
    let extra = r#"{"id":"extra","source":"x","action":"course.created","occurred_at":"2026-01-01T00:00:00Z","tenant":"acme","actor":{"kind":"system"},"object":{"kind":"course","id":"c"}}"#;
    let (ended, printed) = demo(&log(), "lms-audit demo -n 300 --seed 3", Some(extra));
    assert_eq!(ended, Verdict::Differs);
    let differences = printed["differences"].to_string();
    assert!(differences.contains("generated actions: found received 301"), "{differences}");
    assert!(differences.contains("audit events by category"), "{differences}");
    assert!(!differences.contains("activity view"), "the reports count what the events hold: {differences}");
}

#[test]
fn files_take_the_place_of_generated_actions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("actions.jsonl");
    let action = r#"{"id":"1","source":"x","action":"course.created","occurred_at":"2026-01-01T00:00:00Z","tenant":"acme","actor":{"kind":"system"},"object":{"kind":"course","id":"c"}}"#;
    std::fs::write(&file, format!("{action}\n{action}\n")).expect("a file");
    let (log, line) = (log(), format!("lms-audit demo --actions {}", file.display()));
    for recorded in [true, false] {
        let (ended, printed) = demo(&log, &line, None);
        assert_eq!(ended, Verdict::Fine, "{printed:#}");
        let found = printed["account"]["recorded"].as_i64().expect("a number");
        assert_eq!(found > 0, recorded, "the second time all of it is known: {printed:#}");
    }
}
