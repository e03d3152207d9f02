//! Audit events that exist: what a dead letter says may have been recorded since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use catalog::{EventId, Identity, Micros, Topic};
use codec::Decoder;
use runtime::{Log, Slice};
use stage::Millis;

use super::plan::{Decision, Planned};
use crate::config::Span;
use crate::reading::{self, CLOCK_STEP};

/// Leaves out those of which an audit event exists: one of the same tenant, source and id, recorded
/// from a dedup window before the earliest of them on; before that it would be recorded anew.
///
/// # Errors
/// When the broker does not answer or an event cannot be read.
pub(super) fn leave_out(
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
        let (Some(identity), Some(tenant)) = (one.identity, &one.content.tenant) else { continue };
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
