//! Row keys: UTF-8, readable, `/`-joined, each part percent-encoded where it must be.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::rows::{Account, ActivityRow, ActorRef, ActorsRow, LedgerRow, RegisterRow, SettingRow, Window};
use crate::{Micros, SequenceRow, TenantId};

/// The last part of the key of a source's sequence, where an account's row has the hour.
const SEQUENCE_PART: &str = "~sequence";

/// Joins the parts of a row key. In each part `/`, `%` and control characters (Unicode category
/// Cc) are percent-encoded byte by byte, so that `/` only ever joins.
#[must_use]
pub fn row_key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::with_capacity(64);
    for (i, part) in parts.into_iter().enumerate() {
        if i > 0 {
            key.push('/');
        }
        push_part(&mut key, part);
    }
    key
}

/// A window's start as row keys show it: `2026-11-02T09` or `2026-11-02`, UTC.
#[must_use]
pub fn window_start(window: Window, at: Micros) -> String {
    let at =
        Timestamp::from_microsecond(at.get()).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).datetime();
    let (year, month, day) = (at.year(), at.month(), at.day());
    match window {
        Window::Hour => format!("{year:04}-{month:02}-{day:02}T{:02}", at.hour()),
        Window::Day => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// Key of an activity row: `acme/<catalog or empty>/CertificateIssued/hour/2026-11-02T09`.
#[must_use]
pub fn activity_key(
    tenant: &TenantId,
    catalog: Option<&str>,
    event_type: &str,
    window: Window,
    at: Micros,
) -> String {
    let start = window_start(window, window.start(at));
    row_key([tenant.as_str(), catalog.unwrap_or(""), event_type, window.name(), &start])
}

/// Key of an actors row: `acme/user/u-17/2026-11-02`.
#[must_use]
pub fn actors_key(tenant: &TenantId, actor: &ActorRef, at: Micros) -> String {
    let start = window_start(Window::Day, at.day());
    row_key([tenant.as_str(), actor.kind.name(), actor.id.as_deref().unwrap_or(""), &start])
}

/// Key of a register row: tenant, kind of subject, user if any, kind and id of each object.
#[must_use]
pub fn register_key<'a>(
    tenant: &'a TenantId,
    kind: &'a str,
    user: Option<&'a str>,
    objects: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let objects = objects.into_iter().flat_map(|(kind, id)| [kind, id]);
    row_key([tenant.as_str(), kind].into_iter().chain(user).chain(objects))
}

/// What the keys of a person's register rows of one kind begin with, last slash included.
#[must_use]
pub fn person_prefix(tenant: &TenantId, kind: &str, user: &str) -> String {
    let mut prefix = row_key([tenant.as_str(), kind, user]);
    prefix.push('/');
    prefix
}

/// Key of a ledger row: `acme/lms.web/2026-11-02T09`; `~unknown` stands for what is not known, so
/// a source that begins with `~` has that percent-encoded.
#[must_use]
pub fn ledger_key(account: &Account, hour: Micros) -> String {
    let start = window_start(Window::Hour, hour.hour());
    match account {
        Account::Source(tenant, source) => source_key(tenant, source, &start),
        Account::Tenant(tenant) => row_key([tenant.as_str(), "~unknown", &start]),
        Account::Partition(partition) => row_key(["~unknown", &partition.to_string(), &start]),
    }
}

/// Key of a source's sequence, in the ledger: `acme/lms.web/~sequence`. No hour begins with `~`.
#[must_use]
pub fn sequence_key(tenant: &TenantId, source: &str) -> String {
    source_key(tenant, source, SEQUENCE_PART)
}

/// Key of a stage's coverage of one partition, in the ledger.
#[must_use]
pub fn coverage_key(stage: &str, partition: u32) -> String {
    row_key(["~coverage", stage, &partition.to_string()])
}

/// Key of a settings row: `acme/course/c-9`.
#[must_use]
pub fn setting_key(tenant: &TenantId, kind: &str, id: &str) -> String {
    row_key([tenant.as_str(), kind, id])
}

impl ActivityRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        activity_key(&self.tenant, self.catalog.as_deref(), self.event_type, self.window, self.start)
    }
}

impl ActorsRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        actors_key(&self.tenant, &self.actor, self.day)
    }
}

impl RegisterRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        let objects = self.objects.iter().map(|(kind, id)| (kind.as_str(), id.as_str()));
        register_key(&self.tenant, self.kind, self.user.as_deref(), objects)
    }
}

impl LedgerRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        ledger_key(&self.account, self.hour)
    }
}

impl SequenceRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        sequence_key(&self.tenant, &self.source)
    }
}

impl SettingRow {
    /// The row's key.
    #[must_use]
    pub fn key(&self) -> String {
        setting_key(&self.tenant, &self.kind, &self.id)
    }
}

/// A key of one source; where its name begins with `~`, that is percent-encoded.
fn source_key(tenant: &TenantId, source: &str, last: &str) -> String {
    match source.strip_prefix('~') {
        Some(rest) => row_key([tenant.as_str(), rest, last]).replacen('/', "/%7E", 1),
        None => row_key([tenant.as_str(), source, last]),
    }
}

fn push_part(key: &mut String, part: &str) {
    if part.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b'/' && b != b'%') {
        key.push_str(part);
        return;
    }
    for c in part.chars() {
        if c == '/' || c == '%' || c.is_control() {
            let mut utf8 = [0; 4];
            for byte in c.encode_utf8(&mut utf8).bytes() {
                write!(key, "%{byte:02X}").expect("a String takes all");
            }
        } else {
            key.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_documented() {
        let acme = TenantId::try_from("acme").expect("valid");
        let at = Micros::new(1_793_611_000_000_000);
        let actor = ActorRef { kind: crate::ActorKind::Anonymous, id: None };
        for (key, expected) in [
            (
                activity_key(&acme, None, "CertificateIssued", Window::Hour, at),
                "acme//CertificateIssued/hour/2026-11-02T09",
            ),
            (activity_key(&acme, Some("k"), "X", Window::Day, at), "acme/k/X/day/2026-11-02"),
            (actors_key(&acme, &actor, at), "acme/anonymous//2026-11-02"),
            (register_key(&acme, "lms_admin", Some("u-17"), []), "acme/lms_admin/u-17"),
            (
                register_key(&acme, "progress", Some("u-17"), [("course", "c-9")]),
                "acme/progress/u-17/course/c-9",
            ),
            (person_prefix(&acme, "progress", "u-17"), "acme/progress/u-17/"),
            (ledger_key(&Account::Partition(3), at), "~unknown/3/2026-11-02T09"),
            (ledger_key(&Account::Tenant(acme.clone()), at), "acme/~unknown/2026-11-02T09"),
            (
                ledger_key(&Account::Source(acme.clone(), "~unknown".into()), at),
                "acme/%7Eunknown/2026-11-02T09",
            ),
            (sequence_key(&acme, "lms/web"), "acme/lms%2Fweb/~sequence"),
            (sequence_key(&acme, "~x"), "acme/%7Ex/~sequence"),
            (coverage_key("normalizer", 2), "~coverage/normalizer/2"),
        ] {
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn parts_are_encoded_where_they_must_be() {
        for (parts, key) in [
            (&["acme", "progress", "u-17", "course", "c-9"][..], "acme/progress/u-17/course/c-9"),
            (&["acme", "", "x"], "acme//x"),
            (&["a/b", "50%", "é"], "a%2Fb/50%25/é"),
            (&["tab\t", "\u{85}"], "tab%09/%C2%85"),
        ] {
            assert_eq!(row_key(parts.iter().copied()), key);
        }
    }
}
