//! The command against a broker of topics in memory.

use std::collections::BTreeMap;

use runtime::BrokerError;

use super::*;
use crate::config::Config;
use crate::output::Format;

#[derive(Default)]
struct Topics(BTreeMap<String, TopicState>);

impl Admin for Topics {
    fn topics(&mut self, names: &[String]) -> Result<Vec<Option<TopicState>>, BrokerError> {
        Ok(names.iter().map(|name| self.0.get(name).cloned()).collect())
    }

    fn create(&mut self, plans: &[TopicPlan]) -> Result<(), BrokerError> {
        for plan in plans {
            let TopicPlan { name, partitions, replication, config } = plan.clone();
            self.0.entry(name.clone()).or_insert(TopicState { name, partitions, replication, config });
        }
        Ok(())
    }

    fn set(&mut self, topic: &str, entries: &BTreeMap<String, String>) -> Result<(), BrokerError> {
        let state = self.0.get_mut(topic).ok_or_else(|| BrokerError::stop("set", "no such topic"))?;
        state.config.extend(entries.clone());
        Ok(())
    }
}

fn command(command: &Command, admin: &mut Topics, format: Format) -> (anyhow::Result<Verdict>, String) {
    let mut out = Vec::new();
    let result = run(command, &mut Shell::new(Config::default(), format, &mut out), admin);
    (result, String::from_utf8(out).expect("UTF-8"))
}

const APPLY: Command = Command::Apply { dry_run: false };

#[test]
fn apply_makes_all_topics_once_and_verify_agrees() {
    let mut admin = Topics::default();
    let (ended, printed) = command(&Command::Verify, &mut admin, Format::Jsonl);
    assert_eq!((ended.expect("asked"), printed.lines().count()), (Verdict::Differs, 42));
    let (ended, printed) = command(&APPLY, &mut admin, Format::Jsonl);
    assert_eq!((ended.expect("applied"), printed.lines().count()), (Verdict::Fine, 42));
    let (ended, printed) = command(&APPLY, &mut admin, Format::Jsonl);
    assert_eq!((ended.expect("applied"), printed.as_str()), (Verdict::Fine, ""));
    let (ended, printed) = command(&Command::Verify, &mut admin, Format::Table);
    assert_eq!((ended.expect("asked"), printed.as_str()), (Verdict::Fine, ""));
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut admin = Topics::default();
    let (ended, printed) = command(&Command::Apply { dry_run: true }, &mut admin, Format::Csv);
    assert_eq!((ended.expect("said"), printed.lines().count()), (Verdict::Fine, 43));
    assert!(admin.0.is_empty());
}

#[test]
fn a_differing_count_is_an_error_and_nothing_is_changed() {
    let mut admin = Topics::default();
    command(&APPLY, &mut admin, Format::Table).0.expect("applied");
    admin.0.get_mut("lms.actions.v1").expect("made").partitions = 6;
    admin.0.remove("lms.audit.settings.v1");
    let message = command(&APPLY, &mut admin, Format::Table).0.expect_err("refused").to_string();
    assert!(message.contains("lms.actions.v1: partitions is 6, wanted 12"), "{message}");
    assert!(!admin.0.contains_key("lms.audit.settings.v1"));
}

#[test]
fn a_broken_setting_is_found_and_mended() {
    let mut admin = Topics::default();
    command(&APPLY, &mut admin, Format::Table).0.expect("applied");
    let actions = admin.0.get_mut("lms.actions.v1").expect("made");
    actions.config.insert("message.timestamp.type".into(), "CreateTime".into());
    let (ended, printed) = command(&Command::Verify, &mut admin, Format::Table);
    assert_eq!(ended.expect("asked"), Verdict::Differs);
    assert!(printed.contains("lms-audit topics apply"), "{printed}");
    let (_, printed) = command(&APPLY, &mut admin, Format::Table);
    assert!(printed.contains("message.timestamp.type=LogAppendTime (was CreateTime)"), "{printed}");
    assert_eq!(command(&Command::Verify, &mut admin, Format::Table).0.expect("asked"), Verdict::Fine);
}

#[test]
fn list_names_every_topic() {
    let (_, printed) = command(&Command::List, &mut Topics::default(), Format::Table);
    assert_eq!(printed.lines().count(), 43, "{printed}");
    assert!(printed.contains("missing"), "{printed}");
}
