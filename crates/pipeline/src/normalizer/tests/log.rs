//! Actions as JSON, valid and spoiled, and random logs of them.

use catalog::Topic;
use proptest::prelude::*;

use super::world::{Bytes, COUNT, HOUR, LIMIT, NOW, Owned, home};
use crate::REROUTE_HEADER;

/// One action, as its fields say.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) tenant: &'static str,
    pub(super) id: String,
    pub(super) action: &'static str,
    pub(super) occurred_at: i64,
    pub(super) object: &'static str,
    pub(super) rest: String,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            tenant: "acme",
            id: "a-1".into(),
            action: "course.updated",
            occurred_at: NOW - 1_000,
            object: "course",
            rest: String::new(),
        }
    }
}

impl Spec {
    pub(super) fn json(&self) -> Vec<u8> {
        let Self { tenant, id, action, occurred_at, object, rest } = self;
        format!(
            r#"{{"tenant":"{tenant}","id":"{id}","source":"lms.web","action":"{action}","occurred_at":{occurred_at},"actor":{{"kind":"user","id":"u-9"}},"user":{{"id":"u-17"}},"object":{{"kind":"{object}","id":"o-1"}}{rest}}}"#
        )
        .into_bytes()
    }

    pub(super) fn record(&self) -> Owned {
        record(Some(self.json()))
    }
}

pub(super) fn certificate_expired() -> Spec {
    Spec {
        id: "x-1".into(),
        action: "certificate.expired",
        object: "certificate",
        rest: r#","within":[{"kind":"course","id":"o-1"}]"#.into(),
        ..Spec::default()
    }
}

pub(super) fn expiry(value: &str) -> String {
    format!(r#","attributes":{{"certificate_expiry":"{value}"}}"#)
}

/// The field that says what the source counts the action as.
pub(super) fn numbered(sequence: i64) -> String {
    format!(r#","sequence":{sequence}"#)
}

/// A record of `acme`'s partition with this value.
pub(super) fn record(value: Bytes) -> Owned {
    Owned {
        topic: Topic::Actions,
        partition: home(),
        offset: 0,
        timestamp: NOW,
        key: Some(b"acme".to_vec()),
        value,
        headers: vec![],
    }
}

/// A value of exactly so many bytes that is a valid action.
pub(super) fn sized(bytes: usize) -> Vec<u8> {
    let json = |filling: usize| {
        let rest = format!(r#","reason":"{}""#, "x".repeat(filling));
        Spec { rest, ..Spec::default() }.json()
    };
    json(bytes - json(0).len())
}

fn specs() -> impl Strategy<Value = Spec> {
    let about = prop_oneof![
        3 => Just(("course.updated", "course", String::new())),
        2 => prop::sample::select(vec!["enabled", "disabled", "never"])
            .prop_map(|value| ("course.updated", "course", expiry(value))),
        3 => Just(("certificate.expired", "certificate", certificate_expired().rest)),
        1 => Just(("course.exploded", "course", String::new())),
        1 => Just(("course.updated", "session", String::new())),
        1 => Just(("course.updated", "course", r#","id":"twice""#.to_owned())),
    ];
    let tenants = prop::sample::select(vec!["acme", "acme", "acme", "acme", "beta", "gamma", "no tenant"]);
    let sequence = prop::option::of(0..20_i64).prop_map(|number| number.map_or(String::new(), numbered));
    (tenants, 0..8, about, -60..3_000_i64, sequence).prop_map(
        |(tenant, id, (action, object, rest), minutes, sequence)| Spec {
            tenant,
            id: format!("a-{id}"),
            action,
            occurred_at: NOW + minutes * 60_000,
            object,
            rest: rest + &sequence,
        },
    )
}

fn records() -> impl Strategy<Value = Owned> {
    prop_oneof![
        12 => specs().prop_map(|spec| spec.record()),
        1 => Just(record(None)),
        1 => Just(record(Some(b"{".to_vec()))),
        1 => Just(record(Some(sized(LIMIT + 1)))),
        2 => specs().prop_map(|spec| {
            let header = (REROUTE_HEADER.to_owned(), Some(format!("0/9/{COUNT}").into_bytes()));
            Owned { headers: vec![header], ..spec.record() }
        }),
    ]
}

/// A log of `acme`'s partition: some actions are delivered again, at once or after weeks, and the
/// broker's clock steps back by minutes or days.
pub(super) fn logs(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Owned>> {
    let step = prop_oneof![
        6 => 0..HOUR,
        1 => HOUR..20 * 24 * HOUR,
    ];
    let again = prop::option::weighted(0.25, any::<prop::sample::Index>());
    let back = prop::option::of(prop_oneof![0..HOUR, 0..9 * 24 * HOUR]);
    prop::collection::vec((records(), again, step, back), length).prop_map(|steps| {
        let mut time = NOW;
        let mut log: Vec<Owned> = Vec::with_capacity(steps.len());
        for (record, again, step, back) in steps {
            time += step;
            let earlier = again.filter(|_| !log.is_empty()).map(|again| again.get(&log).clone());
            let (offset, timestamp) = (log.len() as i64, time - back.unwrap_or(0));
            log.push(Owned { offset, timestamp, ..earlier.unwrap_or(record) });
        }
        log
    })
}
