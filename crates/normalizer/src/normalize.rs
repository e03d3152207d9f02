//! One action's way through the rules, in their fixed order.

use catalog::{Account, Action, Field, Identity, RawAction, Reason, TenantId, Text};

use crate::dedup::{Novelty, novelty};
use crate::event::{receive, record};
use crate::route::{Route, route};
use crate::suppress::{is_suppressed, learn};
use crate::validate::{self, validate};
use crate::verdict::Rejection;
use crate::{Counted, Memory, Place, Received, Rules, Seen, Unreadable, Verdict, digest};

/// Judges one action: size (judged by whoever read it, as [`Unreadable::Oversized`]), route,
/// decode and validate, dedup, suppress. Counts it in the ledger once, or not at all where it is
/// re-routed: it is received only where it arrives. Its sequence counts where its account is its
/// source's, whatever becomes of it.
///
/// # Errors
/// Those of the memory. What the action says is never an error.
pub fn normalize<'a, M: Memory>(
    raw: Result<RawAction<'a>, Unreadable>,
    place: &Place,
    rules: &Rules,
    memory: &mut M,
) -> Result<Verdict<'a>, M::Error> {
    let unknown = Whose { account: Account::Partition(place.partition.number()), sequence: None };
    let raw = match raw {
        Ok(raw) => raw,
        Err(unreadable) => {
            let (reason, message) = unreadable.into_parts();
            return dead_letter(Rejection { reason, message }, unknown, place, memory);
        }
    };
    let tenant = match route(&raw.tenant, place) {
        Route::Stay(tenant) => tenant,
        Route::Move(tenant, to) => return Ok(Verdict::Reroute { tenant, to }),
        Route::Bounce => return dead_letter(bounced(place), unknown, place, memory),
    };
    let whose = match &tenant {
        Some(tenant) => whose(tenant, &raw),
        None => unknown,
    };
    match validate(raw, tenant, place.received_at) {
        Ok(action) => admit(action, whose, place, rules, memory),
        Err(rejection) => dead_letter(rejection, whose, place, memory),
    }
}

/// Whose account an action counts in, and as what its source counts it.
struct Whose {
    account: Account,
    sequence: Option<i64>,
}

impl Whose {
    fn received(self, counted: Counted, place: &Place) -> Received {
        let Self { account, sequence } = self;
        Received { account, counted, received_at: place.received_at, sequence, delivery: place.delivery }
    }
}

/// Judges a valid action by what came before it.
fn admit<'a, M: Memory>(
    action: Action<'a>,
    whose: Whose,
    place: &Place,
    rules: &Rules,
    memory: &mut M,
) -> Result<Verdict<'a>, M::Error> {
    let digest = digest(&action);
    let identity = Identity::of(&action.tenant, &action.source, &action.id);
    let key = identity.key();
    let now = Seen { received_at: place.received_at, digest };
    let (verdict, counted) =
        match novelty(memory.seen(&key)?.as_ref(), now.received_at, &digest, rules.dedup_window) {
            Novelty::Conflict => return dead_letter(conflict(), whose, place, memory),
            Novelty::Duplicate => {
                (Verdict::Duplicate(receive(&action, &identity, digest, place)), Counted::Duplicate)
            }
            Novelty::New if is_suppressed(&action, memory)? => {
                memory.remember(key, now)?;
                (Verdict::Suppressed(receive(&action, &identity, digest, place)), Counted::Suppressed)
            }
            Novelty::New => {
                memory.remember(key, now)?;
                let event = record(action, &identity, digest, place);
                learn(&event, memory)?;
                (Verdict::Recorded(Box::new(event)), Counted::Recorded)
            }
        };
    memory.count(whose.received(counted, place))?;
    Ok(verdict)
}

/// Counts a rejected action where it lies.
fn dead_letter<'a, M: Memory>(
    Rejection { reason, message }: Rejection,
    whose: Whose,
    place: &Place,
    memory: &mut M,
) -> Result<Verdict<'a>, M::Error> {
    let account = whose.account.clone();
    memory.count(whose.received(Counted::DeadLettered, place))?;
    Ok(Verdict::DeadLetter { reason, message, account })
}

/// The account of an action with a valid tenant: its source's, where that can be read. A number
/// without a readable source is in nobody's sequence.
fn whose(tenant: &TenantId, raw: &RawAction<'_>) -> Whose {
    match source(&raw.source) {
        Some(source) => Whose {
            account: Account::Source(tenant.clone(), source.to_string()),
            sequence: raw.sequence.present().copied(),
        },
        None => Whose { account: Account::Tenant(tenant.clone()), sequence: None },
    }
}

fn source<'f>(field: &'f Field<Text<'_>>) -> Option<&'f str> {
    field.present().map(AsRef::as_ref).filter(|source| validate::is_source(source))
}

fn bounced(place: &Place) -> Rejection {
    let from = place
        .rerouted
        .map_or(String::new(), |from| format!(" from partition {} offset {}", from.partition, from.offset));
    Rejection::new(
        Reason::Misrouted,
        format!("tenant: re-routed{from} and again not in the partition of its tenant"),
    )
}

fn conflict() -> Rejection {
    Rejection::new(
        Reason::ConflictingDuplicate,
        "id: an action of this tenant, source and id within the dedup window says something else",
    )
}

#[cfg(test)]
mod tests;
