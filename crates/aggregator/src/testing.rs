//! Events, committed rows and a trail to fold into, for this crate's tests.

use std::collections::BTreeMap;
use std::convert::Infallible;

use catalog::{
    Action, ActivityRow, Actor, ActorKind, ActorsRow, AuditEvent, Category, Digest, EventId, Identity,
    Micros, Need, Object, Provenance, RegisterRow, TenantId, User, View, catalog,
};

use crate::{Change, Overlay, Row, Rows};

pub(crate) const DAY: i64 = 86_400;

/// A time some seconds after 2026-11-02T00:00:00Z.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new((1_793_577_600 + seconds) * 1_000_000)
}

/// An event of this action at this second, received a second later: by `a-1`, to `u-1`, of object
/// `o-1`, within `w-1`, as far as the catalog asks for them. `id` tells events apart.
pub(crate) fn event(id: u32, action: &str, second: i64) -> AuditEvent<'static> {
    let entry = catalog().action(action).expect("in the catalog");
    let tenant = TenantId::try_from("acme").expect("valid");
    let id = format!("e-{id}");
    let thing =
        |kind: &&'static str, id: &'static str| Object { kind: (*kind).into(), id: id.into(), title: None };
    let user = User { id: "u-1".into(), name: Some("Ada".into()) };
    AuditEvent {
        event_id: EventId::of(at(second), &Identity::of(&tenant, "lms", &id)),
        received_at: at(second + 1),
        provenance: Provenance { partition: 0, offset: 0, digest: Digest::new(1, [7; 32]) },
        catalog_version: 1,
        action: Action {
            id: id.into(),
            source: "lms".into(),
            entry,
            occurred_at: at(second),
            tenant,
            actor: Actor { kind: ActorKind::User, id: Some("a-1".into()), name: None, roles: Vec::new() },
            on_behalf_of: None,
            user: (entry.user == Need::Required).then_some(user),
            object: entry.object.first().map(|kind| thing(kind, "o-1")),
            within: entry.within.first().map(|kind| thing(kind, "w-1")).into_iter().collect(),
            changes: Vec::new(),
            attributes: Vec::new(),
            reason: None,
            origin: None,
            correlation_id: None,
            sequence: None,
        },
    }
}

/// What tests change of an event.
pub(crate) trait Told: Sized {
    fn user(self, id: &str) -> Self;
    fn object(self, id: &str) -> Self;
    fn catalog(self, id: &str) -> Self;
    fn source(self, source: &str) -> Self;
    fn sequence(self, sequence: Option<i64>) -> Self;
    fn received(self, second: i64) -> Self;
    fn actor(self, kind: ActorKind, id: Option<&str>) -> Self;
}

impl Told for AuditEvent<'static> {
    fn user(mut self, id: &str) -> Self {
        self.action.user = Some(User { id: id.to_owned().into(), name: None });
        self
    }

    fn object(mut self, id: &str) -> Self {
        self.action.object.as_mut().expect("has one").id = id.to_owned().into();
        self
    }

    fn catalog(mut self, id: &str) -> Self {
        self.action.within.push(Object { kind: "catalog".into(), id: id.to_owned().into(), title: None });
        self
    }

    fn source(mut self, source: &str) -> Self {
        self.action.source = source.to_owned().into();
        self
    }

    fn sequence(mut self, sequence: Option<i64>) -> Self {
        self.action.sequence = sequence;
        self
    }

    fn received(mut self, second: i64) -> Self {
        self.received_at = at(second);
        self
    }

    fn actor(mut self, kind: ActorKind, id: Option<&str>) -> Self {
        self.action.actor =
            Actor { kind, id: id.map(|id| id.to_owned().into()), name: None, roles: Vec::new() };
        self
    }
}

/// Committed rows in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Committed {
    pub(crate) activity: BTreeMap<(Category, String), ActivityRow>,
    pub(crate) actors: BTreeMap<(Category, String), ActorsRow>,
    pub(crate) register: BTreeMap<(Category, String), RegisterRow>,
}

impl Committed {
    fn apply(&mut self, change: &Change<'_>) {
        let key = (change.category, change.key.to_owned());
        match change.row {
            Some(Row::Activity(row)) => {
                assert_eq!((change.key, change.received_at), (row.key().as_str(), row.received_at));
                self.activity.insert(key, row.clone());
            }
            Some(Row::Actors(row)) => {
                assert_eq!((change.key, change.received_at), (row.key().as_str(), row.received_at));
                self.actors.insert(key, row.clone());
            }
            Some(Row::Register(row)) => {
                assert_eq!((change.key, change.received_at), (row.key().as_str(), row.received_at));
                self.register.insert(key, row.clone());
            }
            None => {
                assert_eq!(change.view, View::Register, "only purges remove rows");
                self.register.remove(&key);
            }
        }
    }
}

impl Rows for Committed {
    type Error = Infallible;

    fn activity(&self, category: Category, key: &str) -> Result<Option<ActivityRow>, Infallible> {
        Ok(self.activity.get(&(category, key.to_owned())).cloned())
    }

    fn actors(&self, category: Category, key: &str) -> Result<Option<ActorsRow>, Infallible> {
        Ok(self.actors.get(&(category, key.to_owned())).cloned())
    }

    fn register(&self, category: Category, key: &str) -> Result<Option<RegisterRow>, Infallible> {
        Ok(self.register.get(&(category, key.to_owned())).cloned())
    }

    fn register_keys(
        &self,
        category: Category,
        prefix: &str,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), Infallible> {
        let keys = self.register.keys().filter(|(home, key)| *home == category && key.starts_with(prefix));
        keys.for_each(|(_, key)| visit(key));
        Ok(())
    }
}

/// Committed rows and the overlay over them.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) committed: Committed,
    pub(crate) overlay: Overlay,
}

impl Trail {
    /// The rows of these events, folded in this order and committed once.
    pub(crate) fn of<'e>(events: impl IntoIterator<Item = &'e AuditEvent<'static>>) -> Self {
        let mut trail = Self::default();
        events.into_iter().for_each(|event| trail.fold(event));
        trail.commit();
        trail
    }

    pub(crate) fn fold(&mut self, event: &AuditEvent<'_>) {
        self.overlay.fold(event, &self.committed).expect("fits");
    }

    pub(crate) fn commit(&mut self) {
        let committed = &mut self.committed;
        self.overlay.changes().for_each(|change| committed.apply(&change));
        self.overlay.commit();
    }

    pub(crate) fn register(&self, category: Category, key: &str) -> Option<&RegisterRow> {
        self.committed.register.get(&(category, key.to_owned()))
    }

    pub(crate) fn activity(&self, category: Category, key: &str) -> Option<&ActivityRow> {
        self.committed.activity.get(&(category, key.to_owned()))
    }

    pub(crate) fn actors(&self, category: Category, key: &str) -> Option<&ActorsRow> {
        self.committed.actors.get(&(category, key.to_owned()))
    }
}
