//! Actions to send: generated ones with everything that goes wrong in practice, and single ones written down in a test.

use std::time::{SystemTime, UNIX_EPOCH};

use catalog::Micros;
use lms_audit::generate::{Generator, Made, Options};
use serde_json::{Value, json};
use stage::PartitionCount;
use testkit::Raw;

use super::site::{PARTITIONS, actions_topic};

/// Milliseconds since the epoch.
///
/// # Panics
/// Where the clock stands before 1970.
#[must_use]
pub fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis().try_into().expect("before the year 292 million")
}

/// So many actions that happened during the last day, by chance that this number gives.
pub fn generated(count: u64, seed: u64) -> impl Iterator<Item = Made> {
    const DAY: u64 = 86_400_000_000;
    let now = now_millis() / 1000 * 1_000_000;
    Generator::new(Options {
        count,
        seed,
        start: Micros::new(now.saturating_sub_unsigned(DAY)),
        span: DAY,
        tenants: 12,
        learners: 60,
        courses: 12,
        partitions: PartitionCount::new(PARTITIONS).expect("more than none"),
        max_value_bytes: 1_048_576,
    })
}

/// A generated action as a record.
#[must_use]
pub fn raw(made: Made) -> Raw {
    let mut raw = Raw::to(&actions_topic()).value(made.value);
    if let Some(key) = made.key {
        raw = raw.key(key);
    }
    made.headers.into_iter().fold(raw, |raw, (name, value)| raw.header(&name, value))
}

/// A valid action; `more` adds fields or replaces them.
///
/// # Panics
/// When `more` is no object.
#[must_use]
pub fn action(tenant: &str, id: &str, more: Value) -> Vec<u8> {
    let mut action = json!({
        "id": id, "source": "test", "action": "course.completed", "occurred_at": now_millis() - 60_000,
        "tenant": tenant, "actor": {"kind": "user", "id": "u-1"}, "user": {"id": "u-1"},
        "object": {"kind": "course", "id": "c-1"},
    });
    let fields = action.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("fields to add").clone());
    action.to_string().into_bytes()
}

/// The first tenant with this prefix whose records lie in this partition.
///
/// # Panics
/// Where there is none among a thousand.
#[must_use]
pub fn in_partition(prefix: &str, partition: u32) -> String {
    let count = PartitionCount::new(PARTITIONS).expect("more than none");
    let lies = |name: &String| count.partition_of(name.as_bytes()).number() == partition;
    (0..1000).map(|number| format!("{prefix}-{number}")).find(lies).expect("one of a thousand")
}
