//! The reports' side: the day rows of each activity view hold as many events as were folded.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use catalog::{Category, Topic, View, Window};
use codec::Decoder;
use runtime::{Log, Slice};
use stage::Partition;

use super::findings::{Finding, Findings, What};
use super::foreign::or_foreign;
use super::snapshot::Held;
use crate::reading;

/// How many rows are held; where there are more, the topic is read several times, each time
/// for another part of the keys.
const ROWS: usize = 250_000;

/// What the day rows of one view and partition hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Days {
    events: i64,
    /// Whether a row began anew, so that it holds fewer than were folded.
    restarted: bool,
}

/// Compares the activity view of a category in one partition with the events that were folded into it,
/// at least and at most.
///
/// # Errors
/// When the broker does not answer or a row cannot be read.
pub(super) fn compare(
    log: &mut impl Log,
    decoder: &Decoder,
    partition: Partition,
    (category, held): (Category, Held),
    folded: [u64; 2],
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let topic = Topic::Report(category, View::Activity);
    let days = days(log, decoder, (topic, &held.slice(topic, partition)), ROWS, findings)?;
    let [least, most] = folded.map(|events| i64::try_from(events).unwrap_or(i64::MAX));
    if days.restarted || (least..=most).contains(&days.events) {
        return Ok(());
    }
    let events = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let detail = format!("its day rows hold {} events, {events} were folded", days.events);
    findings.add(Finding::new(What::ReportsDiffer, topic, "", detail).of(partition.number()));
    Ok(())
}

/// Sums up the last row of each key, in as many passes as that needs; tells of rows that are none.
fn days(
    log: &mut impl Log,
    decoder: &Decoder,
    of: (Topic, &Slice),
    limit: usize,
    findings: &mut Findings,
) -> anyhow::Result<Days> {
    let mut passes = 1;
    loop {
        let foreign = RefCell::new(findings.fresh());
        if let Some(days) = in_passes(log, decoder, of, passes, limit, &foreign)? {
            findings.absorb(foreign.into_inner());
            return Ok(days);
        }
        passes *= 2;
    }
}

/// Sums up in so many passes; `None` where they are too few.
fn in_passes(
    log: &mut impl Log,
    decoder: &Decoder,
    of: (Topic, &Slice),
    passes: u64,
    limit: usize,
    foreign: &RefCell<Findings>,
) -> anyhow::Result<Option<Days>> {
    let mut days = Days::default();
    for pass in 0..passes {
        let Some(part) = part(log, decoder, of, (pass, passes), limit, foreign)? else { return Ok(None) };
        days.events += part.values().map(|(count, _)| count).sum::<i64>();
        days.restarted |= part.values().any(|(_, restarted)| *restarted);
    }
    Ok(Some(days))
}

type Rows = HashMap<u64, (i64, bool)>;

/// The last day rows of the keys of one pass; `None` where they are too many.
fn part(
    log: &mut impl Log,
    decoder: &Decoder,
    (topic, slice): (Topic, &Slice),
    (pass, passes): (u64, u64),
    limit: usize,
    foreign: &RefCell<Findings>,
) -> anyhow::Result<Option<Rows>> {
    let mut rows = Rows::new();
    let mut full = false;
    reading::read_until(log, vec![slice.clone()], &mut |_, record| {
        let key = hash(record.key.unwrap_or_default());
        if key % passes == pass {
            let row = record.value.map(|value| decoder.activity(value)).transpose();
            match or_foreign(row, topic, record, foreign)? {
                None if record.value.is_none() => _ = rows.remove(&key),
                None => {}
                Some(row) if row.window == Window::Day => _ = rows.insert(key, (row.count, row.restarted)),
                Some(_) => {}
            }
        }
        full = rows.len() > limit;
        Ok(if full { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) })
    })?;
    Ok((!full).then_some(rows))
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use codec::Codec;

    use super::*;
    use crate::testing::{self, ACTIONS};

    #[test]
    fn the_sum_is_the_same_in_however_many_passes() {
        let mut log = testing::trail(&ACTIONS);
        let topic = Topic::Report(Category::Certificate, View::Activity);
        let slice = reading::whole(&mut log, &topic.name(), Partition::new(0)).expect("there");
        let (of, decoder) = ((topic, &slice), Codec::single_object().decoder());
        let mut found = Findings::new(9);
        let all = days(&mut log, &decoder, of, ROWS, &mut found).expect("it can be read");
        assert_eq!(all, Days { events: 3, restarted: false });
        let none = RefCell::new(found.fresh());
        assert_eq!(in_passes(&mut log, &decoder, of, 1, 1, &none).expect("it can be read"), None);
        assert_eq!(days(&mut log, &decoder, of, 1, &mut found).expect("it can be read"), all);
    }
}
