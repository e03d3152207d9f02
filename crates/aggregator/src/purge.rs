//! Purges of learner records: what they remove, what they leave, and how they guard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use catalog::{
    AuditEvent, Category, OrderKey, Part, RegisterRow, Status, catalog, person_prefix, register_key,
};

use crate::register::Subject;
use crate::{FoldError, Overlay, Rows};

/// Kinds of subjects that record a purge; they survive every purge and guard.
const PURGE: &str = "purge";
const CATALOG_PURGE: &str = "catalog_purge";
/// The category whose register holds the rows of purges.
pub const PURGES: Category = Category::UserStatus;

/// The kinds of subjects that are a learner's records, with the register they are in.
static LEARNER_RECORDS: LazyLock<BTreeSet<(Category, &'static str)>> = LazyLock::new(|| {
    let registers = catalog().entries().iter().map(|entry| &entry.register);
    let learners = registers.filter(|r| r.home.holds_learner_records() && r.parts.contains(&Part::User));
    learners.map(|r| (r.home, r.kind)).filter(|(_, kind)| !matches!(*kind, PURGE | CATALOG_PURGE)).collect()
});

/// Whether an event can change a row of this category's views: one of its own events, one of a subject
/// that is at home there, or a purge, which removes and guards in the registers of others.
#[must_use]
pub fn concerns(event: &AuditEvent<'_>, category: Category) -> bool {
    let entry = event.action.entry;
    let purges = matches!(entry.register.kind, PURGE | CATALOG_PURGE);
    entry.category == category || entry.register.home == category || purges
}

/// Which of a learner's records an event removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purge<'e> {
    /// All of them.
    All,
    /// Those of this catalog; rows that name none are not reached.
    Catalog(&'e str),
}

impl<'e> Purge<'e> {
    /// The purge that an event is, if it is one.
    pub(crate) fn of(event: &AuditEvent<'_>, subject: &Subject<'e>) -> Option<Self> {
        match event.action.entry.register.kind {
            PURGE => Some(Self::All),
            CATALOG_PURGE => subject.objects.first().map(|(_, id)| Self::Catalog(id)),
            _ => None,
        }
    }

    fn reaches(self, row: &RegisterRow) -> bool {
        match self {
            Self::All => true,
            Self::Catalog(id) => row.catalog.as_deref() == Some(id),
        }
    }
}

/// Whether this is the key of a purge's row in the register of [`PURGES`].
#[must_use]
pub fn is_purge(key: &str) -> bool {
    key.split('/').nth(1).is_some_and(|kind| matches!(kind, PURGE | CATALOG_PURGE))
}

/// The learner's records, by category and key, that lie before the purge whose row this is and that it
/// reaches. Where the purge was folded there are none; rows that were kept elsewhere meanwhile may be.
///
/// # Errors
/// When rows cannot be read.
pub fn purged<R: Rows>(purge: &RegisterRow, rows: &R) -> Result<Vec<(Category, String)>, R::Error> {
    let reach = match (purge.kind, purge.objects.first()) {
        (PURGE, _) => Purge::All,
        (CATALOG_PURGE, Some((_, id))) => Purge::Catalog(id),
        _ => return Ok(Vec::new()),
    };
    let (Some(user), Some(order)) = (&purge.user, &purge.status_set) else { return Ok(Vec::new()) };
    let mut gone = Vec::new();
    for &(home, kind) in LEARNER_RECORDS.iter() {
        let mut keys = Vec::new();
        let prefix = person_prefix(&purge.tenant, kind, user);
        rows.register_keys(home, &prefix, &mut |key| keys.push(key.to_owned()))?;
        for key in keys {
            let row = rows.register(home, &key)?;
            if row.is_some_and(|row| reach.reaches(&row) && row.last < *order) {
                gone.push((home, key));
            }
        }
    }
    Ok(gone)
}

/// Whether a purge guards against this event: it would make a learner record, and lies before a
/// purge of its user, or of its user from the catalog that it names.
pub(crate) fn guards<R: Rows>(
    overlay: &mut Overlay,
    event: &AuditEvent<'_>,
    order: &OrderKey,
    subject: &Subject<'_>,
    rows: &R,
) -> Result<bool, FoldError<R::Error>> {
    let action = &event.action;
    let Some(user) = subject.user else { return Ok(false) };
    if !LEARNER_RECORDS.contains(&(action.entry.register.home, action.entry.register.kind)) {
        return Ok(false);
    }
    let mut lies_before = |key| {
        let purges = &mut overlay.layers[PURGES.index()].register;
        let slot = purges.slot(key, |key| rows.register(PURGES, key)).map_err(FoldError::Rows)?;
        Ok(slot.row().and_then(|purge| purge.status_set.as_ref()).is_some_and(|purge| order < purge))
    };
    if lies_before(register_key(&action.tenant, PURGE, Some(user), []))? {
        return Ok(true);
    }
    match action.catalog_id() {
        Some(id) => lies_before(register_key(&action.tenant, CATALOG_PURGE, Some(user), [("catalog", id)])),
        None => Ok(false),
    }
}

/// Removes the learner's records that the purge reaches and that lie before it, and the part
/// before it of those that go on.
pub(crate) fn apply<R: Rows>(
    overlay: &mut Overlay,
    purge: Purge<'_>,
    event: &AuditEvent<'_>,
    order: &OrderKey,
    user: &str,
    rows: &R,
) -> Result<(), FoldError<R::Error>> {
    for &(home, kind) in LEARNER_RECORDS.iter() {
        let layer = &mut overlay.layers[home.index()].register;
        let prefix = person_prefix(&event.action.tenant, kind, user);
        let mut keys: BTreeSet<String> = layer.keys(&prefix).map(Into::into).collect();
        let mut found = |key: &str| {
            keys.insert(key.into());
        };
        rows.register_keys(home, &prefix, &mut found).map_err(FoldError::Rows)?;
        for key in keys {
            let slot = layer.slot(key, |key| rows.register(home, key)).map_err(FoldError::Rows)?;
            let Some(row) = slot.row_mut().filter(|row| purge.reaches(row)) else { continue };
            if row.last < *order {
                slot.remove(event.received_at);
            } else if row.first < *order {
                keep_later(row, home, order);
                row.received_at = row.received_at.max(event.received_at);
                let received_at = row.received_at;
                slot.touch(received_at);
            }
        }
    }
    Ok(())
}

/// Leaves of a row that spans a purge what is later: its last event, which becomes its first, and
/// the status and catalog if a later event set them. The counts restart; see [`last_event_type`].
fn keep_later(row: &mut RegisterRow, home: Category, purge: &OrderKey) {
    row.by_event_type =
        last_event_type(row, home).map(|name| (name.into(), 1)).into_iter().collect::<BTreeMap<_, _>>();
    row.first = row.last.clone();
    if row.status_set.as_ref().is_some_and(|set| set < purge) {
        row.status = None;
        row.since = None;
        row.by = None;
        row.status_set = None;
    }
    if row.catalog_set.as_ref().is_some_and(|set| set < purge) {
        row.catalog = None;
        row.catalog_set = None;
    }
}

/// The event type of a row's last event, where it follows from the row: an event type that the row
/// counts and whose effect on the status is that of the last event, if there is only one.
///
/// A row holds the order key of its last event but not its type. Where it does not follow
/// (`CertificateIssued` or `CertificateReissued`?) the counts restart from nothing: they are never
/// guessed.
fn last_event_type(row: &RegisterRow, home: Category) -> Option<&'static str> {
    let effect = match row.status {
        Some(status) if row.status_set.as_ref() == Some(&row.last) => Status::Set(status),
        _ => Status::Keep,
    };
    let entries = catalog().entries().iter();
    let of_kind = entries.filter(|e| e.register.home == home && e.register.kind == row.kind);
    let mut types = of_kind
        .filter(|e| e.status == effect && row.by_event_type.contains_key(e.event_type))
        .map(|e| e.event_type);
    let first = types.next()?;
    types.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests;
