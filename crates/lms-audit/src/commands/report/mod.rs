//! `report`: the rows of a report view, as a consumer of its topic would hold them.

mod rows;

use std::collections::BTreeMap;

use anyhow::Context as _;
use catalog::{Category, Micros, TenantId, Topic, View, Window};
use clap::Args;
use codec::Decoder;
use runtime::Log;

use crate::commands::catalog::category;
use crate::commands::reports::Marks;
use crate::commands::trail::event_type;
use crate::output::{Printer, say};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};

/// Rows of a report view: activity, actors or register
///
/// activity: counts per event type and hour or day; actors: what each did per day; register: who
/// holds what now.
///
/// Reads the tenant's partition of the view's topic to its committed end; the last row of each key
/// counts. --since and --until choose rows that count something of then; a row is shown whole. The
/// register is how things stand now, so its times are those of a row's last event.
///
///   lms-audit report certificate register --tenant acme --status expired
///   lms-audit report user-progress activity --tenant acme --since 7d
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// The category, such as certificate; `lms-audit catalog` lists all.
    #[arg(value_parser = category)]
    pub category: Category,
    /// activity, actors or register.
    #[arg(value_parser = view)]
    pub view: View,
    /// Whose.
    #[arg(long)]
    pub tenant: TenantId,
    /// Only from then on: 2h, 3d (ago), 2026-11-01, 2026-11-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Only before then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Only rows that count this event type.
    #[arg(long, value_name = "TYPE", value_parser = event_type)]
    pub event_type: Option<&'static str>,
    /// Only rows of this user (register).
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Only rows of this actor (actors), or whose status this actor set (register).
    #[arg(long, value_name = "ID")]
    pub actor: Option<String>,
    /// Only rows with this status (register).
    #[arg(long)]
    pub status: Option<String>,
    /// hour or day (activity).
    #[arg(long, default_value = "day", value_parser = window)]
    pub window: Window,
}

fn view(name: &str) -> Result<View, String> {
    View::from_name(name).ok_or_else(|| "there are activity, actors and register".into())
}

fn window(name: &str) -> Result<Window, String> {
    Window::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| "there are hour and day".into())
}

/// Prints the rows.
///
/// # Errors
/// When the arguments do not fit the view, the broker does not answer or a row cannot be read.
pub fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    command.check()?;
    let topic = Topic::Report(command.category, command.view).name();
    let values = last_rows(log, &topic, &command.tenant)?;
    let (category, view) = (command.category, command.view);
    match is_unfinished(command, log) {
        Ok(false) => {}
        Ok(true) => say(&format!(
            "the rebuild of {topic} is not finished: rows are missing or are those of before; run `lms-audit reports rebuild {category} --view {view} --yes`"
        )),
        // Who may read this view alone is shown it.
        Err(error) => {
            say(&format!("whether a rebuild of {topic} is unfinished could not be seen: {error:#}"))
        }
    }
    let mut rows = Vec::with_capacity(values.len());
    for (key, value) in &values {
        let row = rows::row(command, value, decoder, when::now());
        rows.extend(row.with_context(|| format!("reading {topic}, key {key}"))?);
    }
    rows.sort_by(|a, b| a.order.cmp(&b.order));
    let mut printer = Printer::new(&mut shell.out, shell.format, rows::columns(command.view))?;
    for row in &rows {
        printer.row(&row.row)?;
    }
    if printer.finish()? == 0 {
        let (tenant, view, category) = (&command.tenant, command.view, command.category);
        say(&match values.len() {
            0 => format!("tenant {tenant} has no row in the {view} view of {category}"),
            all => format!("none of the {all} rows of tenant {tenant} matches"),
        });
    }
    Ok(Verdict::Fine)
}

impl Command {
    fn check(&self) -> Result<(), Misuse> {
        let wrong = match self.view {
            View::Activity => [
                ("--user", self.user.is_some()),
                ("--actor", self.actor.is_some()),
                ("--status", self.status.is_some()),
            ],
            View::Actors => {
                [("--user", self.user.is_some()), ("--status", self.status.is_some()), ("", false)]
            }
            View::Register => [("", false); 3],
        };
        match wrong.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                Err(Misuse(format!("rows of the {} view cannot be told by {flag}", self.view)))
            }
            None => Ok(()),
        }
    }

    /// Whether what happened from `first` to `last` touches the time asked for.
    fn is_in_time(&self, first: Micros, last: Micros, now: Micros) -> bool {
        self.since.is_none_or(|since| last >= since.at(now))
            && self.until.is_none_or(|until| first < until.at(now))
    }
}

/// Whether a rebuild of the view was begun and not finished where the tenant's rows lie.
fn is_unfinished(command: &Command, log: &mut impl Log) -> anyhow::Result<bool> {
    let partition = reading::home(log, &Topic::Ledger.name(), &command.tenant)?;
    let mark = (partition, pipeline::rebuild_key(command.category, command.view, partition));
    Ok(Marks::of(log, partition)?.has(&mark))
}

/// The last value of each of a tenant's keys; a tombstone removes one.
fn last_rows(
    log: &mut impl Log,
    topic: &str,
    tenant: &TenantId,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let partition = reading::home(log, topic, tenant)?;
    let slice = reading::whole(log, topic, partition)?;
    let prefix = format!("{tenant}/");
    let mut rows = BTreeMap::new();
    reading::read_watched(log, vec![slice], &mut |_, record| {
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok());
        if let Some(key) = key.filter(|key| key.starts_with(&prefix)) {
            match record.value {
                Some(value) => rows.insert(key.to_string(), value.to_vec()),
                None => rows.remove(key),
            };
        }
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests;
