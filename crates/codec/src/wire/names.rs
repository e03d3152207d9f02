//! Names that the catalog closes, found again in it when read: rows hold the catalog's own copies.

use std::collections::HashSet;
use std::sync::LazyLock;

use catalog::{Status, catalog};

struct Names {
    event_types: HashSet<&'static str>,
    subjects: HashSet<&'static str>,
    statuses: HashSet<&'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let entries = catalog().entries();
    let status = |status| match status {
        Status::Set(name) => Some(name),
        Status::Keep => None,
    };
    Names {
        event_types: entries.iter().map(|entry| entry.event_type).collect(),
        subjects: entries.iter().map(|entry| entry.register.kind).collect(),
        statuses: entries.iter().filter_map(|entry| status(entry.status)).collect(),
    }
});

/// An event type.
pub(super) fn event_type(name: &str) -> Result<&'static str, String> {
    NAMES.event_types.get(name).copied().ok_or_else(|| "event_type is none of the catalog's".into())
}

/// A kind of subject.
pub(super) fn subject(name: &str) -> Result<&'static str, String> {
    NAMES.subjects.get(name).copied().ok_or_else(|| "kind is none of the catalog's".into())
}

/// A status of a subject.
pub(super) fn status(name: &str) -> Result<&'static str, String> {
    NAMES.statuses.get(name).copied().ok_or_else(|| "status is none of the catalog's".into())
}
