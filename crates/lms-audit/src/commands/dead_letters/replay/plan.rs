//! What is to be done with each dead letter: replayed, not again, or refused and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use catalog::{EventId, Identity, Micros, Reason, Topic};
use codec::Decoder;
use pipeline::replay::write_place;
use runtime::{Log, Slice};
use stage::{Millis, Record};

use super::super::letter::{Content, Letter, Place};
use super::super::read::{Markers, letters};
use super::Command;
use super::mend::Mended;
use crate::config::Span;
use crate::output::say;
use crate::reading::{self, CLOCK_STEP};

/// What is to be done with a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is published again.
    Replay,
    /// It was before, or what it says is recorded already.
    Before(String),
    /// It cannot be, and why.
    Refuse(String),
}

/// A dead letter and what is to be done with it.
pub(super) struct Planned {
    pub(super) place: Place,
    pub(super) reason: Reason,
    pub(super) received_at: Micros,
    /// What the action says as it is to be published.
    pub(super) content: Content,
    pub(super) decision: Decision,
}

impl Planned {
    fn identity(&self) -> Option<Identity> {
        let Content { tenant, source, id, .. } = &self.content;
        Some(Identity::of(tenant.as_ref()?, source.as_ref()?, id.as_ref()?))
    }
}

/// Decides about each dead letter that is meant, by what it is and by its markers.
///
/// # Errors
/// When the broker or the schema registry does not answer.
pub(super) fn make(
    command: &Command,
    log: &mut impl Log,
    slices: Vec<Slice>,
    decoder: &Decoder,
    now: Micros,
) -> anyhow::Result<Vec<Planned>> {
    let mut plan = Vec::new();
    let mut more = 0_u64;
    let markers = letters(log, slices, (&command.selection, now), decoder, &mut |letter, record| {
        if plan.len() < command.limit {
            plan.push(judge(command, &letter, record, decoder)?);
        } else {
            more += 1;
        }
        Ok(())
    })?;
    if more > 0 {
        say(&format!("{more} more dead letters match: run it again after this, or raise --limit"));
    }
    if !command.again {
        leave_out(&mut plan, &markers);
    }
    only_one_each(&mut plan);
    plan.sort_by_key(|one| one.place);
    Ok(plan)
}

/// Leaves out those of which an audit event exists: one of the same tenant, source and id, recorded
/// from a dedup window before the earliest of them on; before that it would be recorded anew.
///
/// # Errors
/// When the broker does not answer or an event cannot be read.
pub(super) fn look_for_events(
    plan: &mut [Planned],
    again: bool,
    log: &mut impl Log,
    decoder: &Decoder,
    window: Span,
) -> anyhow::Result<()> {
    if again {
        return Ok(());
    }
    let topic = Topic::Events.name();
    let count = reading::count(log, &topic)?;
    let (mut wanted, mut tenants) = (HashMap::new(), BTreeSet::new());
    let mut from: BTreeMap<_, Micros> = BTreeMap::new();
    for (place, one) in plan.iter().enumerate().filter(|(_, one)| one.decision == Decision::Replay) {
        let (Some(identity), Some(tenant)) = (one.identity(), &one.content.tenant) else { continue };
        wanted.insert(identity, place);
        tenants.insert(tenant.as_str().as_bytes().to_vec());
        let first = from.entry(count.partition_of(tenant.as_str().as_bytes())).or_insert(one.received_at);
        *first = (*first).min(one.received_at);
    }
    let back = i64::try_from(window.millis()).unwrap_or(i64::MAX).saturating_add(CLOCK_STEP);
    let mut slices = Vec::new();
    for (partition, first) in from {
        let from = Millis::new(first.millis().saturating_sub(back).max(0));
        let from = log.offset_at(&topic, partition, from)?;
        let until = log.extent(&topic, partition)?.end;
        slices.push(Slice { topic: topic.clone(), partition, from, until });
    }
    let mut found: BTreeMap<usize, EventId> = BTreeMap::new();
    reading::read_watched(log, slices, &mut |_, record| {
        let (Some(key), Some(value)) = (record.key, record.value) else { return Ok(()) };
        if !tenants.contains(key) {
            return Ok(());
        }
        let place = || format!("reading {topic} partition {} offset {}", record.partition, record.offset);
        let event = decoder.event(value).with_context(place)?;
        let identity = Identity::of(&event.action.tenant, &event.action.source, &event.action.id);
        if let Some(place) = wanted.get(&identity) {
            found.insert(*place, event.event_id);
        }
        Ok(())
    })?;
    for (place, event_id) in found {
        let why = format!("an audit event of its tenant, source and id exists: {event_id}");
        plan[place].decision = Decision::Before(why);
    }
    Ok(())
}

fn judge(
    command: &Command,
    letter: &Letter,
    record: &Record<'_>,
    decoder: &Decoder,
) -> anyhow::Result<Planned> {
    let (content, decision) = match Mended::of(record, command, decoder)? {
        Err(why) => (letter.readable(), Decision::Refuse(why)),
        Ok(mended) => {
            let content = Content::read(mended.value.as_deref(), &mended.headers(), decoder)?;
            let decision = decide(command, letter.reason, &content);
            (content.unwrap_or_default(), decision)
        }
    };
    let Letter { place, reason, received_at, .. } = *letter;
    Ok(Planned { place, reason, received_at, content, decision })
}

/// What its reason and its content allow.
fn decide(command: &Command, reason: Reason, content: &Result<Content, String>) -> Decision {
    let refuse = |why: &str| Decision::Refuse(why.into());
    match (reason, content) {
        (Reason::Oversized, _) => {
            refuse("what is kept of it was cut: its source must publish it anew, or the limit be raised")
        }
        (_, Err(problem)) => {
            refuse(&format!("it cannot be read: {problem}; its source must publish it anew"))
        }
        (_, Ok(Content { tenant: None, .. })) => {
            refuse("no valid tenant can be read from it: say whose it is with --mend tenant=TENANT")
        }
        (Reason::ConflictingDuplicate, Ok(_)) if command.new_id.is_none() => {
            refuse("an action of its tenant, source and id says something else: give it a --new-id")
        }
        _ => Decision::Replay,
    }
}

/// Leaves out those that have a marker, also such as would be refused by now: they are worked off.
fn leave_out(plan: &mut [Planned], markers: &Markers) {
    for one in plan {
        if let Some(last) = markers.get(&one.place).and_then(|replayed| replayed.last()) {
            let at = codec::rfc3339(reading::micros(last.at));
            let marker = write_place((one.place.0, last.marker));
            one.decision = Decision::Before(format!("it was replayed at {at}, marker {marker}"));
        }
    }
}

/// Of dead letters of one tenant, source and id the first is replayed: the others would be
/// duplicates of it, or in conflict with it.
fn only_one_each(plan: &mut [Planned]) {
    let mut first: HashMap<Identity, Place> = HashMap::new();
    for one in plan.iter_mut().filter(|one| one.decision == Decision::Replay) {
        let Some(identity) = one.identity() else { continue };
        match first.get(&identity) {
            None => drop(first.insert(identity, one.place)),
            Some(place) => {
                let place = write_place(*place);
                one.decision = Decision::Refuse(format!(
                    "dead letter {place} of this replay has its tenant, source and id"
                ));
            }
        }
    }
}
