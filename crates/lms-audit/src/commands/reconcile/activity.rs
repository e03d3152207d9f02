//! The reports' side: the day rows of each activity view hold as many events as were folded.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::Context as _;
use catalog::{Category, Topic, View, Window};
use codec::Decoder;
use runtime::{Log, Slice};
use stage::Partition;

use super::findings::{Finding, Findings, What};
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
    let days = days(log, decoder, &held.slice(topic, partition), ROWS)?;
    let [least, most] = folded.map(|events| i64::try_from(events).unwrap_or(i64::MAX));
    if days.restarted || (least..=most).contains(&days.events) {
        return Ok(());
    }
    let events = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let detail = format!("its day rows hold {} events, {events} were folded", days.events);
    findings.add(Finding::new(What::ReportsDiffer, topic, "", detail).of(partition.number()));
    Ok(())
}

/// Sums up the last row of each key, in as many passes as that needs.
fn days(log: &mut impl Log, decoder: &Decoder, slice: &Slice, limit: usize) -> anyhow::Result<Days> {
    let mut passes = 1;
    loop {
        match in_passes(log, decoder, slice, passes, limit)? {
            Some(days) => return Ok(days),
            None => passes *= 2,
        }
    }
}

/// Sums up in so many passes; `None` where they are too few.
fn in_passes(
    log: &mut impl Log,
    decoder: &Decoder,
    slice: &Slice,
    passes: u64,
    limit: usize,
) -> anyhow::Result<Option<Days>> {
    let mut days = Days::default();
    for pass in 0..passes {
        let Some(part) = part(log, decoder, slice, (pass, passes), limit)? else { return Ok(None) };
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
    slice: &Slice,
    (pass, passes): (u64, u64),
    limit: usize,
) -> anyhow::Result<Option<Rows>> {
    let mut rows = Rows::new();
    let mut full = false;
    reading::read_until(log, vec![slice.clone()], &mut |_, record| {
        let key = hash(record.key.unwrap_or_default());
        if key % passes == pass {
            let row = record.value.map(|value| decoder.activity(value)).transpose();
            let place = || format!("{} partition {} offset {}", slice.topic, record.partition, record.offset);
            match row.with_context(place)? {
                None => _ = rows.remove(&key),
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
        let topic = Topic::Report(Category::Certificate, View::Activity).name();
        let slice = reading::whole(&mut log, &topic, Partition::new(0)).expect("there");
        let decoder = Codec::single_object().decoder();
        let all = days(&mut log, &decoder, &slice, ROWS).expect("it can be read");
        assert_eq!(all, Days { events: 3, restarted: false });
        assert_eq!(in_passes(&mut log, &decoder, &slice, 1, 1).expect("it can be read"), None);
        assert_eq!(days(&mut log, &decoder, &slice, 1).expect("it can be read"), all);
    }
}
