//! `topics apply|verify|list`: brings the topics to the plan, or says how they differ from it.

use std::io::Write as _;

use anyhow::Context as _;
use catalog::{Content, Topic};
use clap::Subcommand;
use runtime::{Admin, TopicPlan, TopicState};
use serde_json::json;

use crate::config::Span;
use crate::output::{Printer, Row, say};
use crate::shell::Shell;
use crate::topics::{Finding, Step, Weight, check, names, plan, steps, verify};
use crate::verdict::Verdict;

/// Make the 42 topics, or say how they differ from the plan.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make missing topics and set what falls short of the plan.
    ///
    /// Safe to repeat: retention is only ever lengthened, a partition count never changed (a topic
    /// with another count is an error), a topic never deleted.
    Apply {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say how the topics differ from the plan; exit code 3 if they do.
    ///
    /// The same check runs when stages start and every minute after.
    Verify,
    /// The topics as planned and as they are.
    List,
}

/// Runs the command.
///
/// # Errors
/// When the configuration cannot work, the broker refuses, or a topic cannot be brought to the plan.
pub fn run(command: &Command, shell: &mut Shell<'_>, admin: &mut impl Admin) -> anyhow::Result<Verdict> {
    check(shell.config())?;
    let plan = plan(shell.config());
    let state = admin.topics(&names()).context("asking for the topics")?;
    match command {
        Command::Apply { dry_run } => apply(*dry_run, &plan, &state, shell, admin),
        Command::Verify => {
            let findings = verify(&plan, &state, shell.config().normalizer.dedup_window);
            report(&findings, plan.len(), shell)
        }
        Command::List => list(&plan, &state, shell),
    }
}

/// The topics as they are, and how they differ from the plan, as the stages check it at their start and
/// every minute.
///
/// # Errors
/// When the configuration cannot work or no broker answers.
pub fn look(
    config: &crate::config::Config,
    admin: &mut impl Admin,
) -> anyhow::Result<(Vec<Option<TopicState>>, Vec<Finding>)> {
    check(config)?;
    let state = admin.topics(&names()).context("asking for the topics")?;
    let findings = verify(&plan(config), &state, config.normalizer.dedup_window);
    Ok((state, findings))
}

fn apply(
    dry_run: bool,
    plan: &[TopicPlan],
    state: &[Option<TopicState>],
    shell: &mut Shell<'_>,
    admin: &mut impl Admin,
) -> anyhow::Result<Verdict> {
    let steps = steps(plan, state)?;
    let mut printer = Printer::new(&mut shell.out, shell.format, &["topic", "step", "detail"])?;
    let missing: Vec<TopicPlan> = steps.iter().filter_map(created).cloned().collect();
    if !dry_run && !missing.is_empty() {
        admin.create(&missing)?;
    }
    for step in &steps {
        if let (false, Step::Set { topic, entries, .. }) = (dry_run, step) {
            admin.set(topic, entries)?;
        }
        printer.row(&step_row(step, dry_run))?;
    }
    printer.finish()?;
    let (made, set) = (missing.len(), steps.len() - missing.len());
    let kept = plan.len() - steps.len();
    let mode = if dry_run { "would be " } else { "" };
    say(&format!("{made} topics {mode}made, {set} {mode}set, {kept} are as planned"));
    Ok(Verdict::Fine)
}

fn created(step: &Step) -> Option<&TopicPlan> {
    match step {
        Step::Create(plan) => Some(plan),
        Step::Set { .. } => None,
    }
}

fn step_row(step: &Step, dry_run: bool) -> Row {
    match step {
        Step::Create(plan) => {
            let entries: Vec<_> = plan.config.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let detail = format!(
                "partitions={} replication={} {}",
                plan.partitions,
                plan.replication,
                entries.join(" ")
            );
            Row {
                cells: vec![plan.name.clone(), "make".into(), detail],
                json: json!({
                    "topic": plan.name, "step": "make", "done": !dry_run, "partitions": plan.partitions,
                    "replication": plan.replication, "config": plan.config,
                }),
            }
        }
        Step::Set { topic, entries, before } => {
            let changed = |(key, value): (&String, &String)| format!("{key}={value} (was {})", before[key]);
            Row {
                cells: vec![
                    topic.clone(),
                    "set".into(),
                    entries.iter().map(changed).collect::<Vec<_>>().join(" "),
                ],
                json: json!({
                    "topic": topic, "step": "set", "done": !dry_run, "config": entries, "before": before,
                }),
            }
        }
    }
}

fn report(findings: &[Finding], topics: usize, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let columns = ["weight", "topic", "what", "found", "wanted", "remedy"];
    let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
    for finding in findings {
        let weight = match finding.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
        };
        let Finding { topic, what, found, wanted, remedy, .. } = finding;
        let json = json!({
            "weight": weight, "topic": topic, "what": what, "found": found, "wanted": wanted, "remedy": remedy,
        });
        let cells = [weight, topic, what, found, wanted, remedy].map(String::from).into();
        printer.row(&Row { cells, json })?;
    }
    printer.finish()?;
    if findings.is_empty() {
        say(&format!("all {topics} topics are as planned"));
        Ok(Verdict::Fine)
    } else {
        Ok(Verdict::Differs)
    }
}

fn list(plan: &[TopicPlan], state: &[Option<TopicState>], shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let columns = ["topic", "partitions", "replication", "cleanup", "retention", "content"];
    let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
    for (topic, (plan, state)) in Topic::all().zip(plan.iter().zip(state)) {
        let content = content(topic.content());
        let found = |key: &str| state.as_ref().and_then(|state| state.config.get(key)).cloned();
        let cleanup = found("cleanup.policy");
        let kept = match (&cleanup, found("retention.ms").and_then(|ms| ms.parse::<i64>().ok())) {
            (Some(cleanup), Some(ms)) if cleanup.contains("delete") && ms >= 0 => {
                Span::from_millis(ms.unsigned_abs()).to_string()
            }
            (Some(_), _) => "for good".into(),
            (None, _) => String::new(),
        };
        let shown = |number: Option<String>| number.unwrap_or_else(|| "missing".into());
        let partitions = state.as_ref().map(|state| state.partitions);
        let replication = state.as_ref().map(|state| state.replication);
        let cells = vec![
            plan.name.clone(),
            shown(partitions.map(|count| count.to_string())),
            replication.map(|count| count.to_string()).unwrap_or_default(),
            cleanup.clone().unwrap_or_default(),
            kept,
            content.into(),
        ];
        let json = json!({
            "topic": plan.name, "content": content, "planned_partitions": plan.partitions,
            "partitions": partitions, "replication": replication,
            "config": state.as_ref().map(|state| &state.config), "planned_config": plan.config,
        });
        printer.row(&Row { cells, json })?;
    }
    printer.finish()?;
    shell.out.flush()?;
    Ok(Verdict::Fine)
}

const fn content(content: Content) -> &'static str {
    match content {
        Content::Action => "actions",
        Content::Event => "audit events",
        Content::Receipt => "receipts",
        Content::DeadLetter => "dead letters",
        Content::Activity => "activity rows",
        Content::Actors => "actors rows",
        Content::Register => "register rows",
        Content::Ledger => "ledger rows, coverage",
        Content::Setting => "settings",
    }
}

#[cfg(test)]
mod tests;
