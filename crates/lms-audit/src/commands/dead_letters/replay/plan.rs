//! What is to be done with each dead letter: replayed, not again, or refused and why.

use std::collections::HashMap;

use catalog::{Identity, Micros, Reason};
use codec::Decoder;
use pipeline::replay::write_place;
use runtime::{Log, Slice};
use stage::Record;

use super::super::letter::{Content, Letter, Place, Replayed};
use super::super::read::{Markers, letters, markers};
use super::Command;
use super::foresee::Ground;
use super::mend::Mended;
use crate::reading;

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
    /// What the action says as it is to be published, shortened.
    pub(super) content: Content,
    /// What identifies it, of the whole texts.
    pub(super) identity: Option<Identity>,
    pub(super) decision: Decision,
}

/// What is to be done with all that are meant, and how many more there are.
#[derive(Default)]
pub(super) struct Plan {
    /// In the order of places; of those to be replayed and of the refused ones each at most the limit.
    pub(super) all: Vec<Planned>,
    /// How many more could be replayed than the limit allows.
    pub(super) more: u64,
    /// How many more are refused than are kept.
    pub(super) more_refused: u64,
    to_replay: usize,
    refused: usize,
    /// Which are to be replayed.
    first: HashMap<Identity, Place>,
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
    ground: &Ground,
) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    // What was replayed must not count, or a limit would be used up by the same ones every time.
    let markers = if command.again { Markers::new() } else { markers(log, slices.clone())? };
    letters(log, slices, (&command.selection, ground.now), decoder, &mut |letter, record| {
        let mut one = judge(command, &letter, record, (decoder, ground))?;
        match markers.get(&one.place).and_then(|replayed| replayed.last()) {
            Some(last) => {
                one.decision = before(one.place, last);
                plan.all.push(one);
            }
            None => plan.take(one, command.limit),
        }
        Ok(())
    })?;
    plan.all.sort_by_key(|one| one.place);
    Ok(plan)
}

impl Plan {
    /// Takes one that was not replayed before, as far as the limit allows.
    fn take(&mut self, mut one: Planned, limit: usize) {
        // Of one tenant, source and id the first is replayed: the others would be duplicates of it, or in
        // conflict with it.
        let first = one.identity.and_then(|identity| self.first.get(&identity));
        if let (Decision::Replay, Some(first)) = (&one.decision, first) {
            let place = write_place(*first);
            let why = format!("dead letter {place} of this replay has its tenant, source and id");
            one.decision = Decision::Refuse(why);
        }
        let (room, more) = match one.decision {
            Decision::Replay => (&mut self.to_replay, &mut self.more),
            _ => (&mut self.refused, &mut self.more_refused),
        };
        if *room >= limit {
            *more += 1;
            return;
        }
        *room += 1;
        if let (Decision::Replay, Some(identity)) = (&one.decision, one.identity) {
            self.first.insert(identity, one.place);
        }
        self.all.push(one);
    }

    /// What a person should know who does not see all of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let any = self.all.iter().any(|one| one.decision == Decision::Replay);
        match (self.more, any) {
            (0, _) => {}
            (more, true) => notes
                .push(format!("{more} more dead letters match: run it again after this, or raise --limit")),
            // They would be the first ones again and again.
            (more, false) => notes.push(format!(
                "{more} more dead letters match behind these, of which none is replayed: raise --limit"
            )),
        }
        if self.more_refused > 0 {
            notes.push(format!("{} more are refused and not shown: raise --limit", self.more_refused));
        }
        notes
    }
}

fn judge(
    command: &Command,
    letter: &Letter,
    record: &Record<'_>,
    (decoder, ground): (&Decoder, &Ground),
) -> anyhow::Result<Planned> {
    let (content, identity, decision) = match Mended::of(record, command, decoder)? {
        Err(why) => (letter.readable(), None, Decision::Refuse(why)),
        Ok(mended) => {
            let content = Content::read(mended.value.as_deref(), &mended.headers(), decoder)?;
            let decision = match decide(command, letter.reason, &content) {
                Decision::Replay if !command.again => foreseen(&mended, &content, decoder, ground)?,
                decision => decision,
            };
            let content = content.unwrap_or_default();
            let identity = content.identity();
            (content.shortened(), identity, decision)
        }
    };
    let Letter { place, reason, received_at, .. } = *letter;
    Ok(Planned { place, reason, received_at, content, identity, decision })
}

/// What its reason and its content allow.
fn decide(command: &Command, reason: Reason, content: &Result<Content, String>) -> Decision {
    let refuse = |why: &str| Decision::Refuse(why.into());
    match (reason, content) {
        (Reason::Oversized, _) => refuse(
            "what is kept of it was cut: only its source can publish it anew, smaller, or as it was once normalizer.max_value_bytes is raised",
        ),
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

/// Refuses what by the rules would become a dead letter again.
fn foreseen(
    mended: &Mended<'_>,
    content: &Result<Content, String>,
    decoder: &Decoder,
    ground: &Ground,
) -> anyhow::Result<Decision> {
    let Ok(Content { tenant: Some(tenant), .. }) = content else { return Ok(Decision::Replay) };
    let value = mended.value.as_deref();
    let raw = decoder.action(value, &mended.headers())?;
    Ok(match ground.rejects(raw, tenant, value.map_or(0, <[u8]>::len)) {
        None => Decision::Replay,
        Some(why) => Decision::Refuse(format!(
            "it would become a dead letter again: {why} (by the rules of {}; --again publishes it all the same)",
            env!("CARGO_PKG_VERSION")
        )),
    })
}

/// It has a marker and is worked off, also if it would be refused by now.
fn before(place: Place, last: &Replayed) -> Decision {
    let at = codec::rfc3339(reading::micros(last.at));
    let marker = write_place((place.0, last.marker));
    Decision::Before(format!("it was replayed at {at}, marker {marker}"))
}
