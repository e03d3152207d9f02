//! Makes actions of one foreign event by the rules a mapping has for it.

use catalog::{Action, Actor, ActorKind, Micros, Need, Object, Origin, TenantId, User};
use sha2::{Digest as _, Sha256};

use super::row::Rule;
use super::value::Choice;
use super::{Found, Mapping, Scope};
use crate::line::{Event, Missing};

/// Whose trail the actions go to, and what makes them.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    pub(crate) tenant: TenantId,
    pub(crate) source: String,
    pub(crate) mapping: Mapping,
}

/// One foreign event: its paths, and what the platform tells beside them.
pub(crate) struct Foreign<'a> {
    pub(crate) name: &'a str,
    pub(crate) root: &'a serde_json::Value,
    pub(crate) named: Vec<(&'static str, &'a serde_json::Value)>,
    /// Those named `U` one after the other; a rule that speaks of `U` makes an action of each.
    pub(crate) users: &'a [serde_json::Value],
    /// How the platform writes a time.
    pub(crate) time: fn(&str) -> Option<Micros>,
    /// It bears the platform's sign of a job.
    pub(crate) job: bool,
    /// The platform asks not to show who did it.
    pub(crate) anonymous: bool,
    pub(crate) on_behalf_of: Option<String>,
    pub(crate) origin: Option<Origin<'static>>,
    pub(crate) sequence: Option<i64>,
}

impl<'a> Foreign<'a> {
    /// An event with paths alone.
    pub(crate) fn new(name: &'a str, root: &'a serde_json::Value, time: fn(&str) -> Option<Micros>) -> Self {
        Self {
            name,
            root,
            named: Vec::new(),
            users: &[],
            time,
            job: false,
            anonymous: false,
            on_behalf_of: None,
            origin: None,
            sequence: None,
        }
    }
}

impl Trail {
    /// Makes the actions of one event.
    pub(crate) fn event(&self, foreign: &Foreign<'_>) -> Event {
        let scope = Scope { root: foreign.root, named: &foreign.named, each: None };
        let rules = match self.mapping.find(foreign.name, &scope) {
            Found::Nothing(row) => return Event::Unmapped(shown_name(foreign.name, row)),
            Found::Rules(rules) => rules,
        };
        let mut actions = Vec::new();
        let mut missing = Vec::new();
        let mut make = |rule: &Rule, scope: &Scope<'_>| match self.action(rule, foreign, scope) {
            Ok(action) => actions.push(action),
            Err(fields) => missing.extend(fields),
        };
        for (rule, each) in rules {
            if rule.of_users {
                if foreign.users.is_empty() {
                    make(rule, &scope);
                }
                for user in foreign.users {
                    let named: Vec<_> = foreign.named.iter().copied().chain([("U", user)]).collect();
                    make(rule, &Scope { named: &named, ..scope });
                }
            } else if rule.each.is_some() {
                for user in &each {
                    make(rule, &Scope { each: Some(user), ..scope });
                }
            } else {
                make(rule, &scope);
            }
        }
        missing.sort_unstable();
        missing.dedup();
        Event::Mapped { name: foreign.name.into(), actions, missing }
    }

    fn action(
        &self,
        rule: &Rule,
        foreign: &Foreign<'_>,
        scope: &Scope<'_>,
    ) -> Result<Action<'static>, Vec<Missing>> {
        let user = rule.user.as_ref().and_then(|user| user.text(scope));
        let object = rule.object.as_ref().and_then(|pair| thing(pair, scope));
        let within: Vec<_> = rule.within.iter().filter_map(|pair| thing(pair, scope)).collect();
        let occurred_at = rule.occurred_at.text(scope).and_then(|text| (foreign.time)(&text));
        let id = id(&rule.id_from, scope);
        let entry = rule.entry;
        let is_needed = |thing: &Object<'_>| entry.within.contains(&thing.kind.as_ref());
        let lacks = [
            (user.is_none() && entry.user == Need::Required, Missing::User),
            (object.is_none() && !entry.object.is_empty(), Missing::Object),
            (!entry.within.is_empty() && !within.iter().any(is_needed), Missing::Within),
            (occurred_at.is_none(), Missing::Time),
            (id.is_none(), Missing::Id),
        ];
        let missing: Vec<_> = lacks.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect();
        let (Some(occurred_at), Some(id), true) = (occurred_at, id, missing.is_empty()) else {
            return Err(missing);
        };
        Ok(Action {
            id: id.into(),
            source: self.source.clone().into(),
            entry,
            occurred_at,
            tenant: self.tenant.clone(),
            actor: actor(rule, foreign, scope),
            on_behalf_of: foreign.on_behalf_of.clone().filter(|_| !foreign.anonymous).map(person),
            user: user.map(|id| User { id: id.into(), name: None }),
            object,
            within,
            changes: Vec::new(),
            attributes: attributes(rule, scope),
            reason: None,
            origin: foreign.origin.clone().filter(|_| !foreign.anonymous),
            correlation_id: None,
            sequence: foreign.sequence,
        })
    }
}

/// Rule A: where the doer is not named, the sign of a job makes it `system` whatever the paths say,
/// else it is `unknown`; the learner is never put there.
fn actor(rule: &Rule, foreign: &Foreign<'_>, scope: &Scope<'_>) -> Actor<'static> {
    let without_id = |kind| Actor { kind, id: None, name: None, roles: Vec::new() };
    let named = rule.actor.path_text(scope);
    if foreign.anonymous {
        return without_id(ActorKind::Anonymous);
    }
    if rule.actor.ends_in_rule_a() {
        return match named {
            _ if foreign.job => without_id(ActorKind::System),
            Some(id) => person(id),
            None => without_id(ActorKind::Unknown),
        };
    }
    let constant = rule.actor.constant().and_then(ActorKind::from_name);
    named.map_or_else(|| without_id(constant.unwrap_or(ActorKind::Unknown)), person)
}

fn person(id: String) -> Actor<'static> {
    Actor { kind: ActorKind::User, id: Some(id.into()), name: None, roles: Vec::new() }
}

fn thing((kind, choice): &(String, Choice), scope: &Scope<'_>) -> Option<Object<'static>> {
    let id = choice.text(scope)?;
    Some(Object { kind: kind.clone().into(), id: id.into(), title: None })
}

fn attributes(rule: &Rule, scope: &Scope<'_>) -> Vec<(catalog::Text<'static>, catalog::Text<'static>)> {
    let present = |(name, choice): &(String, Choice)| Some((name.clone().into(), choice.text(scope)?.into()));
    rule.attributes.iter().filter_map(present).collect()
}

/// Hex SHA-256 over the values, each preceded by its length in bytes as a big-endian u32.
fn id(from: &[Choice], scope: &Scope<'_>) -> Option<String> {
    let mut hash = Sha256::new();
    for choice in from {
        let value = choice.identity(scope)?;
        hash.update(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(value);
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A name that is a path or an address is one of very many, and can hold ids of people: it is
/// counted under the row that it fell to.
fn shown_name(name: &str, row: Option<&str>) -> String {
    match row {
        Some(row) if name.starts_with('/') || name.contains("://") => row.into(),
        _ => name.into(),
    }
}
