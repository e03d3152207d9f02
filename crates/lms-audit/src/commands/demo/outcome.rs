//! What a demo found: the table of categories, the account, and whatever does not add up.

use std::collections::BTreeMap;

use catalog::{Category, Reason, TenantId, Topic, View, Window};
use codec::Decoder;
use pipeline::dead_letter::headers::REASON;
use pipeline::replay::Marker;
use runtime::{Log, Slice};
use serde_json::json;
use stage::{Offset, Partition};

use super::account::Account;
use super::ledger::Ledger;
use crate::generate::Summary;
use crate::output::{Format, Printer, Row, escape_json, say};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::Verdict;

/// How things stood before.
pub(super) struct Before {
    own: Account,
    others: Account,
    events: Vec<(Partition, Offset)>,
    dead_letters: Vec<(Partition, Offset)>,
}

impl Before {
    pub(super) fn look(
        log: &mut impl Log,
        ledger: &Ledger,
        partitions: u32,
        fixtures: &TenantId,
    ) -> anyhow::Result<Self> {
        let mut ends = |topic: Topic| {
            (0..partitions)
                .map(Partition::new)
                .map(|p| Ok((p, log.extent(&topic.name(), p)?.stable)))
                .collect::<anyhow::Result<Vec<_>>>()
        };
        let (own, others) = ledger.accounts(fixtures);
        Ok(Self { own, others, events: ends(Topic::Events)?, dead_letters: ends(Topic::DeadLetters)? })
    }
}

/// What was published beside the fixtures.
pub(super) enum Sent {
    /// Generated actions, of which it is known what must become of each.
    Generated(Box<Summary>),
    /// So many actions of files.
    Given(u64),
}

/// One category: audit events, those the reports count, and rows per view.
struct Held {
    category: Category,
    events: u64,
    folded: i64,
    rows: [usize; 3],
}

/// What was found.
pub(super) struct Outcome {
    held: Vec<Held>,
    account: Account,
    differences: Vec<String>,
    praise: &'static str,
}

impl Outcome {
    pub(super) fn look(
        log: &mut impl Log,
        decoder: &Decoder,
        ledger: &Ledger,
        mut before: Before,
        fixtures: &TenantId,
        sent: &Sent,
        lines: u64,
    ) -> anyhow::Result<Self> {
        let (own, others) = ledger.accounts(fixtures);
        let (own, others) = (own.since(before.own), others.since(before.others));
        let mut differences = Vec::new();
        let mut differ = |what: &str, found: String, wanted: String| {
            if found != wanted {
                differences.push(format!("{what}: found {found}, wanted {wanted}"));
            }
        };
        match sent {
            Sent::Generated(expected) => {
                differ("generated actions", others.to_string(), Account::of(expected).to_string());
            }
            Sent::Given(count) => {
                differ("actions of the files received", others.received.to_string(), count.to_string());
                differ("their account balances", others.balances().to_string(), "true".into());
            }
        }
        differ("actions of other platforms received", own.received.to_string(), lines.to_string());
        differ("account of other platforms balances", own.balances().to_string(), "true".into());

        let slices = reading::grown(log, &Topic::DeadLetters.name(), &mut before.dead_letters)?;
        let dead_letters = reasons(log, slices)?;
        let slices = reading::grown(log, &Topic::Events.name(), &mut before.events)?;
        let events = categories(log, decoder, slices, Some(fixtures))?;
        if let Sent::Generated(expected) = sent {
            differ("dead letters by reason", shown(&dead_letters), shown(&expected.dead_lettered));
            differ("audit events by category", shown(&events), shown(&expected.events));
        }

        let whole = whole(log, Topic::Events, &ledger.partitions())?;
        let all = categories(log, decoder, whole, None)?;
        let mut held = Vec::new();
        for category in Category::ALL {
            let one = hold(log, decoder, category, &all, &ledger.partitions())?;
            let what = format!("events that the {category} activity view counts");
            differ(&what, one.folded.to_string(), one.events.to_string());
            held.push(one);
        }
        let praise = match sent {
            Sent::Generated(_) => "all of it as generated: nothing lost, nothing twice",
            Sent::Given(_) => "all that was published is accounted for, once",
        };
        Ok(Self { held, account: own.plus(others), differences, praise })
    }

    pub(super) fn print(&self, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
        let differs = !self.differences.is_empty();
        if shell.format == Format::Json {
            let categories: Vec<_> = self.held.iter().map(|held| held.row().json).collect();
            let Account { received, recorded, duplicate, suppressed, dead_lettered } = self.account;
            let all = json!({
                "categories": categories, "differences": self.differences,
                "account": {
                    "received": received, "recorded": recorded, "duplicate": duplicate,
                    "suppressed": suppressed, "dead_lettered": dead_lettered,
                },
            });
            writeln!(shell.out, "{}", escape_json(&format!("{all:#}")))?;
        } else {
            let columns = ["category", "events", "folded", "activity rows", "actors rows", "register rows"];
            let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
            for held in &self.held {
                printer.row(&held.row())?;
            }
            printer.finish()?;
        }
        shell.out.flush()?;
        say(&self.account.to_string());
        for difference in &self.differences {
            say(&format!("differs: {difference}"));
        }
        if !differs {
            say(self.praise);
        }
        Ok(if differs { Verdict::Differs } else { Verdict::Fine })
    }
}

impl Held {
    fn row(&self) -> Row {
        let [activity, actors, register] = self.rows;
        let name = self.category.name();
        let numbers = [activity, actors, register].map(|count| count.to_string());
        let cells = [name.into(), self.events.to_string(), self.folded.to_string()];
        Row {
            cells: cells.into_iter().chain(numbers).collect(),
            json: json!({
                "category": name, "events": self.events, "folded": self.folded, "activity_rows": activity,
                "actors_rows": actors, "register_rows": register,
            }),
        }
    }
}

fn hold(
    log: &mut impl Log,
    decoder: &Decoder,
    category: Category,
    events: &BTreeMap<&'static str, u64>,
    partitions: &[Partition],
) -> anyhow::Result<Held> {
    let (mut rows, mut folded) = ([0; 3], 0);
    for view in View::ALL {
        let mut last: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let slices = whole(log, Topic::Report(category, view), partitions)?;
        reading::read(log, slices, &mut |_, record| {
            let key = record.key.unwrap_or_default();
            match record.value {
                Some(value) => last.insert(key.to_vec(), value.to_vec()),
                None => last.remove(key),
            };
            Ok(())
        })?;
        rows[view.index()] = last.len();
        if view == View::Activity {
            for value in last.values() {
                let row = decoder.activity(value)?;
                folded += if row.window == Window::Day { row.count } else { 0 };
            }
        }
    }
    let events = events.get(category.name()).copied().unwrap_or_default();
    Ok(Held { category, events, folded, rows })
}

fn categories(
    log: &mut impl Log,
    decoder: &Decoder,
    slices: Vec<Slice>,
    without: Option<&TenantId>,
) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let mut found = BTreeMap::new();
    reading::read(log, slices, &mut |_, record| {
        let event = decoder.event(record.value.unwrap_or_default())?;
        if without != Some(&event.action.tenant) {
            *found.entry(event.action.entry.category.name()).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(found)
}

fn reasons(log: &mut impl Log, slices: Vec<Slice>) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let mut found = BTreeMap::new();
    reading::read(log, slices, &mut |_, record| {
        if Marker::read(record).is_some() {
            return Ok(());
        }
        let name = record.header(REASON).and_then(|name| std::str::from_utf8(name).ok());
        let reason = name.and_then(Reason::from_name).map_or("no reason", Reason::name);
        *found.entry(reason).or_default() += 1;
        Ok(())
    })?;
    Ok(found)
}

fn whole(log: &mut impl Log, topic: Topic, partitions: &[Partition]) -> anyhow::Result<Vec<Slice>> {
    partitions.iter().map(|partition| reading::whole(log, &topic.name(), *partition)).collect()
}

fn shown(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
