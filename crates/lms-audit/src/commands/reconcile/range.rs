//! What part of the trail is looked at: as it was asked for, and as offsets of one partition.

use std::ops::Range;
use std::str::FromStr;

use catalog::{Micros, Topic};
use runtime::{Log, Slice};
use stage::{Millis, Offset, Partition};

use super::recount::next_hour;
use super::snapshot::{Held, Standing};
use crate::reading::{self, CLOCK_STEP};
use crate::verdict::Misuse;

/// Offsets of one partition of the actions topic: `2:100..200`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// The partition.
    pub partition: u32,
    /// The offsets, the last one left out.
    pub range: Range<i64>,
}

impl FromStr for Offsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (partition, range) = text.split_once(':')?;
            let (from, until) = range.split_once("..")?;
            let from = if from.is_empty() { 0 } else { from.parse().ok()? };
            let until = if until.is_empty() { i64::MAX } else { until.parse().ok()? };
            (0 <= from && from < until)
                .then(|| partition.parse().ok().map(|partition| Self { partition, range: from..until }))?
        };
        parse().ok_or_else(|| {
            format!("{text:?} is no range of offsets: write PARTITION:FROM..UNTIL, as 2:100..200")
        })
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) since: Option<Micros>,
    pub(super) until: Option<Micros>,
    pub(super) offsets: Vec<Offsets>,
}

/// What that is in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The actions to be joined.
    pub(super) actions: Range<i64>,
    /// The actions that are meant, too, and that the normalizer had not covered.
    pub(super) waiting: Range<i64>,
    /// The hours whose ledger rows are compared: those that lie in it as a whole.
    pub(super) hours: Range<Micros>,
    /// Before this time of the action no output matters; `None` for all.
    since: Option<Micros>,
    /// Nor from this one on.
    pub(super) until: Option<Micros>,
    /// When it ends; `None` for now.
    end: Option<Micros>,
}

impl Asked {
    /// Whether it is all of the partitions that are asked for.
    pub(super) fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// What of the offsets that were asked for is not there, told; `None` where all of it is.
    ///
    /// # Errors
    /// [`Misuse`] where none of it is there.
    pub(super) fn beyond(&self, partition: Partition, held: Held) -> Result<Option<String>, Misuse> {
        let Some(asked) = self.offsets.iter().find(|one| one.partition == partition.number()) else {
            return Ok(None);
        };
        let (start, end) = (held.start.number(), held.end.number());
        let (name, Range { start: from, end: until }) = (Topic::Actions.name(), asked.range.clone());
        if until <= start || end <= from {
            return Err(Misuse(format!(
                "--offsets {partition}:{from}.. holds no action: {name} partition {partition} begins at offset {start} and ends at {end}"
            )));
        }
        let is_open = until == i64::MAX;
        Ok((from != 0 && from < start || !is_open && end < until).then(|| {
            format!("{name} partition {partition} begins at offset {start} and ends at {end}: nothing beyond was judged")
        }))
    }

    /// What that is in this partition, which was found to stand so.
    pub(super) fn bounds(
        &self,
        log: &mut impl Log,
        partition: Partition,
        standing: &Standing,
    ) -> anyhow::Result<Bounds> {
        let topic = Topic::Actions.name();
        let covered = standing.covered.number();
        let mut range = standing.actions.start.number()..standing.actions.end.number().max(covered);
        if let Some(since) = self.since {
            range.start = range.start.max(offset_at(log, Topic::Actions, partition, since)?.number());
        }
        if let Some(until) = self.until {
            range.end = range.end.min(offset_at(log, Topic::Actions, partition, until)?.number());
        }
        let mut hours = self.since.map_or(Micros::new(i64::MIN), next_hour)
            ..self.until.map_or(Micros::new(i64::MAX), Micros::hour);
        let (mut since, mut until) = (self.since, self.until);
        if let Some(offsets) = self.offsets.iter().find(|offsets| offsets.partition == partition.number()) {
            range = range.start.max(offsets.range.start)..range.end.min(offsets.range.end);
            // No hour begins at an offset.
            hours = Micros::new(0)..Micros::new(0);
            let range = range.start.min(covered)..range.end.min(covered);
            let mut at = |offset: i64| {
                let from = Offset::new(offset);
                let until = standing.actions.end;
                first_time(log, Slice { topic: topic.clone(), partition, from, until })
            };
            (since, until) = (at(range.start)?, at(range.end)?);
        }
        let actions = range.start..range.end.min(covered).max(range.start);
        let waiting = range.start.max(covered)..range.end.max(range.start).max(covered);
        let end = until;
        let step = |at: Micros, by: i64| Micros::new(at.get().saturating_add(by * 1000));
        let since = since.map(|since| step(since, -CLOCK_STEP));
        let until = until.map(|until| step(until, CLOCK_STEP));
        Ok(Bounds { actions, waiting, hours, since, until, end })
    }
}

impl Bounds {
    /// When the range ends, if it is `now` now.
    pub(super) fn end(&self, now: Micros) -> Micros {
        self.end.map_or(now, |end| end.min(now))
    }

    /// The part of an output topic, or of the ledger, in which what became of these actions lies.
    pub(super) fn slice(
        &self,
        log: &mut impl Log,
        topic: Topic,
        partition: Partition,
        held: Held,
    ) -> anyhow::Result<Slice> {
        let from = match self.since {
            Some(since) => offset_at(log, topic, partition, since)?.max(held.start),
            None => held.start,
        };
        // Where it ends is told by what is read: the time of a range is not that of its neighbours.
        Ok(Slice { topic: topic.name(), partition, from, until: held.end })
    }
}

/// The broker time of the first record of a slice, if there is one.
pub(super) fn first_time(log: &mut impl Log, slice: Slice) -> anyhow::Result<Option<Micros>> {
    let mut found = None;
    reading::read_until(log, vec![slice], &mut |_, record| {
        found = Some(reading::micros(record.timestamp));
        Ok(std::ops::ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// The first offset of a partition whose time is not before this one, or its end.
pub(super) fn offset_at(
    log: &mut impl Log,
    topic: Topic,
    partition: Partition,
    at: Micros,
) -> anyhow::Result<Offset> {
    // Rounded up: a record of the millisecond before lies before the time asked for.
    let at = Millis::new(at.millis() + i64::from(at.get() % 1000 != 0));
    Ok(log.offset_at(&topic.name(), partition, at)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_as_people_write_them() {
        for (text, expected) in [
            ("2:100..200", Some((2, 100..200))),
            ("0:..5", Some((0, 0..5))),
            ("1:7..", Some((1, 7..i64::MAX))),
            ("1:7..7", None),
            ("1:7", None),
            ("7..8", None),
            ("-1:7..8", None),
            ("1:-7..8", None),
        ] {
            let expected = expected.map(|(partition, range)| Offsets { partition, range });
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
