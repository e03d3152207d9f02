//! Reading the dead-letter topic: what has to be read for a selection, and what is found there.

use std::collections::BTreeMap;

use catalog::{Micros, Topic};
use codec::Decoder;
use pipeline::replay::write_place;
use runtime::{Log, Slice};
use stage::{Millis, Offset, Partition, Record};

use super::letter::{Entry, Letter, Place, Replayed};
use super::select::Selection;
use crate::output::say;
use crate::reading;

/// How far to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// To what is decided now.
    Stable,
    /// To the end as it is now, however long transactions that are open there take: a marker behind
    /// one of them must not be missed (KAFKA-10167).
    End,
}

/// Which dead letters were replayed.
pub(super) type Markers = BTreeMap<Place, Vec<Replayed>>;

/// Where everything lies that a selection can be about; markers lie behind their dead letters.
///
/// # Errors
/// When the broker does not answer.
pub(super) fn slices(
    log: &mut impl Log,
    selection: &Selection,
    now: Micros,
    until: Until,
) -> anyhow::Result<Vec<Slice>> {
    let topic = Topic::DeadLetters.name();
    let named = selection.places();
    let mut slices = Vec::new();
    for partition in reading::count(log, &topic)?.partitions() {
        let first = named.as_ref().map(|places| first_in(places, partition));
        let mut from = match first {
            Some(None) => continue,
            Some(Some(offset)) => offset,
            None => Offset::new(0),
        };
        let extent = log.extent(&topic, partition)?;
        from = from.max(extent.start);
        if let Some(since) = selection.since {
            let since = Millis::new(since.at(now).millis());
            from = from.max(log.offset_at(&topic, partition, since)?);
        }
        let until = match until {
            Until::Stable => extent.stable,
            Until::End => extent.end,
        };
        slices.push(Slice { topic: topic.clone(), partition, from, until });
    }
    Ok(slices)
}

/// The markers that lie there, of whatever dead letters. They lie behind these, so that whoever must know
/// them at each dead letter reads twice.
///
/// # Errors
/// When the broker does not answer.
pub(super) fn markers(log: &mut impl Log, slices: Vec<Slice>) -> anyhow::Result<Markers> {
    let mut markers = Markers::new();
    reading::read_watched(log, slices, &mut |_, record| {
        if let Some((of, replayed)) = Replayed::read(record) {
            markers.entry(of).or_default().push(replayed);
        }
        Ok(())
    })?;
    Ok(markers)
}

/// Hands over every dead letter that is meant, shortened, in log order per partition. Says where records
/// are neither dead letter nor marker.
///
/// # Errors
/// What `each` or the broker says.
pub(super) fn letters(
    log: &mut impl Log,
    slices: Vec<Slice>,
    (selection, now): (&Selection, Micros),
    decoder: &Decoder,
    each: &mut dyn FnMut(Letter, &Record<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut foreign = Vec::new();
    reading::read_watched(log, slices, &mut |_, record| {
        match Entry::read(record, decoder)? {
            Entry::Letter(letter) if selection.matches(&letter, now) => each(letter.shortened(), record)?,
            Entry::Letter(_) | Entry::Marker => {}
            Entry::Foreign(place) => foreign.push(place),
        }
        Ok(())
    })?;
    if let Some(first) = foreign.first() {
        say(&format!(
            "{} records of {} are neither dead letter nor marker, the first of them {}: only lms-audit may write there, see deploy/foreign-record.md",
            foreign.len(),
            Topic::DeadLetters.name(),
            write_place(*first)
        ));
    }
    Ok(())
}

fn first_in(places: &[Place], partition: Partition) -> Option<Offset> {
    places.iter().filter(|(of, _)| *of == partition).map(|(_, offset)| *offset).min()
}
