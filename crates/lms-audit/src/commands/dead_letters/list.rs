//! `dead-letters list`: a row per dead letter, or counts of them.

use std::collections::BTreeMap;

use catalog::Micros;
use clap::{Args, ValueEnum};
use codec::{Decoder, rfc3339};
use pipeline::replay::write_place;
use runtime::Log;
use serde_json::json;

use super::letter::{Letter, Replayed};
use super::read::{Until, letters, markers, slices};
use super::select::Selection;
use crate::output::{Printer, Row, say};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::Verdict;
use crate::when;

/// List dead letters, or count them, and whether they were replayed
///
/// Tenant, source, id and action are those that can be read from the value now; what cannot be read
/// is left empty. How many there are by reason is said at the end, on stderr.
///
///   lms-audit dead-letters list --since 1d
///   lms-audit dead-letters list --tenant acme --reason missing_field -o csv
///   lms-audit dead-letters list --by source
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Which.
    #[command(flatten)]
    pub selection: Selection,
    /// Count by this instead of listing each.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<By>,
    /// Only those that were not replayed yet.
    #[arg(long)]
    pub open: bool,
}

/// What dead letters are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The reason.
    Reason,
    /// The tenant.
    Tenant,
    /// The source.
    Source,
    /// The action's name.
    Action,
}

/// Prints the list.
///
/// # Errors
/// When the broker does not answer or a value cannot be judged because the registry does not.
pub(super) fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    let chosen = (&command.selection, when::now());
    let slices = slices(log, &command.selection, chosen.1, Until::Stable)?;
    // Markers lie behind: they are known once all was read, so that rows take a second pass.
    let markers = markers(log, slices.clone())?;
    let none: &[Replayed] = &[];
    let mut counts = Counts::default();
    let columns = command.by.map_or(&COLUMNS[..], |_| &COUNTED[..]);
    let mut printer = Printer::new(&mut shell.out, shell.format, columns)?;
    letters(log, slices, chosen, decoder, &mut |letter, _| {
        let replayed = markers.get(&letter.place).map_or(none, Vec::as_slice);
        if command.open && !replayed.is_empty() {
            return Ok(());
        }
        counts.add(&letter, command.by, !replayed.is_empty());
        match command.by {
            None => Ok(printer.row(&row(&letter, replayed))?),
            Some(_) => Ok(()),
        }
    })?;
    if command.by.is_some() {
        for (of, count) in &counts.by {
            printer.row(&count.row(of))?;
        }
    }
    printer.finish()?;
    say(&counts.sentence());
    Ok(Verdict::Fine)
}

const COLUMNS: [&str; 9] =
    ["letter", "received at", "reason", "tenant", "source", "id", "action", "replayed", "message"];
const COUNTED: [&str; 5] = ["of", "letters", "replayed", "first received at", "last received at"];

/// One dead letter as a row.
fn row(letter: &Letter, replayed: &[Replayed]) -> Row {
    let content = letter.readable();
    let tenant = content.tenant.map(|tenant| tenant.to_string());
    let times: Vec<_> = replayed.iter().map(|one| rfc3339(reading::micros(one.at))).collect();
    let place = write_place(letter.place);
    let received_at = rfc3339(letter.received_at);
    let cell = |text: &Option<String>| text.clone().unwrap_or_default();
    Row {
        cells: vec![
            place.clone(),
            received_at.clone(),
            letter.reason.name().into(),
            cell(&tenant),
            cell(&content.source),
            cell(&content.id),
            cell(&content.action),
            times.last().cloned().unwrap_or_default(),
            letter.message.clone(),
        ],
        json: json!({
            "letter": place, "received_at": received_at, "reason": letter.reason.name(),
            "message": letter.message, "stage": letter.stage,
            "partition": letter.action_place.0.number(), "offset": letter.action_place.1.number(),
            "tenant": tenant, "source": content.source, "id": content.id, "action": content.action,
            "replayed": times,
        }),
    }
}

/// How many dead letters there are.
#[derive(Default)]
struct Counts {
    reasons: BTreeMap<&'static str, u64>,
    by: BTreeMap<String, Count>,
    all: u64,
    replayed: u64,
}

/// How many of one kind.
struct Count {
    letters: u64,
    replayed: u64,
    first: Micros,
    last: Micros,
}

impl Counts {
    fn add(&mut self, letter: &Letter, by: Option<By>, replayed: bool) {
        self.all += 1;
        self.replayed += u64::from(replayed);
        *self.reasons.entry(letter.reason.name()).or_default() += 1;
        let Some(by) = by else { return };
        let content = letter.readable();
        let of = match by {
            By::Reason => Some(letter.reason.name().to_owned()),
            By::Tenant => content.tenant.map(|tenant| tenant.to_string()),
            By::Source => content.source,
            By::Action => content.action,
        };
        let at = letter.received_at;
        let count = self.by.entry(of.unwrap_or_default());
        let count = count.or_insert(Count { letters: 0, replayed: 0, first: at, last: at });
        count.letters += 1;
        count.replayed += u64::from(replayed);
        count.first = count.first.min(at);
        count.last = count.last.max(at);
    }

    fn sentence(&self) -> String {
        let reasons: Vec<_> = self.reasons.iter().map(|(name, count)| format!("{name} {count}")).collect();
        match self.all {
            0 => "no dead letter matches".into(),
            1 => format!("1 dead letter ({}), {} replayed", reasons.join(", "), self.replayed),
            all => format!("{all} dead letters ({}), {} of them replayed", reasons.join(", "), self.replayed),
        }
    }
}

impl Count {
    fn row(&self, of: &str) -> Row {
        let (first, last) = (rfc3339(self.first), rfc3339(self.last));
        Row {
            cells: vec![
                of.into(),
                self.letters.to_string(),
                self.replayed.to_string(),
                first.clone(),
                last.clone(),
            ],
            json: json!({
                "of": (!of.is_empty()).then_some(of), "letters": self.letters, "replayed": self.replayed,
                "first_received_at": first, "last_received_at": last,
            }),
        }
    }
}
