//! One row of each view: whether it is wanted, and how it is printed.

use std::collections::BTreeMap;

use catalog::{ActivityRow, ActorRef, ActorsRow, Micros, RegisterRow, View};
use codec::Decoder;

use super::Command;
use crate::output::Row;
use crate::when::readable;

/// A row and where it stands among the others.
pub(super) struct Sorted {
    pub(super) order: (Option<Micros>, String),
    pub(super) row: Row,
}

pub(super) fn columns(view: View) -> &'static [&'static str] {
    match view {
        View::Activity => &["start", "catalog", "event type", "count", "users", "by action", "first", "last"],
        View::Actors => &["day", "actor", "count", "by event type", "first", "last"],
        View::Register => &["kind", "user", "subject", "status", "since", "by", "catalog", "events", "last"],
    }
}

/// The row of a value, if it is wanted.
pub(super) fn row(
    command: &Command,
    value: &[u8],
    decoder: &Decoder,
    now: Micros,
) -> Result<Option<Sorted>, codec::DecodeError> {
    let in_time = |first, last| command.is_in_time(first, last, now);
    Ok(match command.view {
        View::Activity => {
            let row = decoder.activity(value)?;
            let wanted = row.window == command.window
                && in_time(row.first_at, row.last_at)
                && command.event_type.is_none_or(|wanted| wanted == row.event_type);
            wanted.then(|| activity(&row))
        }
        View::Actors => {
            let row = decoder.actors(value)?;
            let wanted = in_time(row.first_at, row.last_at)
                && command.event_type.is_none_or(|wanted| row.by_event_type.contains_key(wanted))
                && command.actor.as_ref().is_none_or(|wanted| is_actor(&row.actor, wanted));
            wanted.then(|| actors(&row))
        }
        View::Register => {
            let row = decoder.register(value)?;
            wants(command, &row, in_time(row.last.occurred_at, row.last.occurred_at)).then(|| register(&row))
        }
    })
}

fn wants(command: &Command, row: &RegisterRow, in_time: bool) -> bool {
    in_time
        && command.event_type.is_none_or(|wanted| row.by_event_type.contains_key(wanted))
        && command.user.as_ref().is_none_or(|wanted| row.user.as_ref() == Some(wanted))
        && command.status.as_ref().is_none_or(|wanted| row.status == Some(wanted))
        && command.actor.as_ref().is_none_or(|wanted| row.by.as_ref().is_some_and(|by| is_actor(by, wanted)))
}

fn is_actor(actor: &ActorRef, wanted: &str) -> bool {
    actor.id.as_deref().unwrap_or(actor.kind.name()) == wanted
}

fn activity(row: &ActivityRow) -> Sorted {
    let cells = vec![
        readable(row.start),
        row.catalog.clone().unwrap_or_default(),
        row.event_type.into(),
        row.count.to_string(),
        format!("{:.0}", row.distinct_users),
        counts(&row.by_action),
        readable(row.first_at),
        readable(row.last_at),
    ];
    Sorted { order: (Some(row.start), row.key()), row: Row { cells, json: codec::activity_json(row) } }
}

fn actors(row: &ActorsRow) -> Sorted {
    let cells = vec![
        readable(row.day),
        actor(&row.actor),
        row.count.to_string(),
        counts(&row.by_event_type),
        readable(row.first_at),
        readable(row.last_at),
    ];
    Sorted { order: (Some(row.day), row.key()), row: Row { cells, json: codec::actors_json(row) } }
}

fn register(row: &RegisterRow) -> Sorted {
    let objects: Vec<_> = row.objects.iter().map(|(kind, id)| format!("{kind} {id}")).collect();
    let cells = vec![
        row.kind.into(),
        row.user.clone().unwrap_or_default(),
        objects.join(", "),
        row.status.unwrap_or_default().into(),
        row.since.map(readable).unwrap_or_default(),
        row.by.as_ref().map(actor).unwrap_or_default(),
        row.catalog.clone().unwrap_or_default(),
        row.by_event_type.values().sum::<i64>().to_string(),
        readable(row.last.occurred_at),
    ];
    Sorted { order: (None, row.key()), row: Row { cells, json: codec::register_json(row) } }
}

fn actor(actor: &ActorRef) -> String {
    match &actor.id {
        Some(id) => format!("{} {id}", actor.kind.name()),
        None => actor.kind.name().into(),
    }
}

fn counts(counts: &BTreeMap<String, i64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
