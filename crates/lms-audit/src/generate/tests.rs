//! Determinism and variety; the expectations themselves are checked against the real normalizer in
//! `agreement`.

use std::collections::BTreeSet;

use catalog::{Category, Micros, Reason, catalog};
use stage::PartitionCount;

use super::*;

pub(super) fn options(count: u64, seed: u64) -> Options {
    Options {
        count,
        seed,
        start: Micros::new(1_793_491_200_000_000),
        span: 24 * 3_600_000_000,
        tenants: 5,
        learners: 50,
        courses: 10,
        partitions: PartitionCount::new(3).expect("not 0"),
        max_value_bytes: 4096,
    }
}

#[test]
fn the_same_options_give_the_same_bytes_and_others_do_not() {
    let made = |seed| Generator::new(options(2000, seed)).collect::<Vec<_>>();
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
}

/// If this changes, every run that was made with a fixed seed and start is another one.
#[test]
fn the_bytes_are_fixed() {
    let first = Generator::new(options(3, 42)).next().expect("three are made");
    let value = String::from_utf8(first.value).expect("UTF-8");
    assert_eq!(value, include_str!("golden/first.json").trim_end());
}

#[test]
fn nothing_is_left_out() {
    let made: Vec<_> = Generator::new(options(1000, 7)).collect();
    assert_eq!(made.len(), 1000);
    let mut summary = Summary::default();
    made.iter().for_each(|made| summary.add(made.expect));
    let reasons: Vec<_> =
        Reason::ALL.into_iter().filter(|r| *r != Reason::Misrouted).map(Reason::name).collect();
    assert_eq!(
        summary.dead_lettered.keys().copied().collect::<BTreeSet<_>>(),
        reasons.into_iter().collect::<BTreeSet<_>>()
    );
    assert_eq!(summary.events.len(), Category::ALL.len());
    assert!(summary.duplicate > 0 && summary.suppressed > 0 && summary.rerouted > 0 && summary.keyless > 0);
    let text: String = made.iter().map(|made| String::from_utf8_lossy(&made.value)).collect();
    for entry in catalog().entries() {
        assert!(text.contains(&format!("\"{}\"", entry.action)), "no {}", entry.action);
    }
    let sum = summary.recorded() + summary.duplicate + summary.suppressed + summary.dead_letters();
    assert_eq!(summary.total, sum);
}

#[test]
fn learning_is_most_of_what_happens() {
    let mut summary = Summary::default();
    Generator::new(options(20_000, 3)).for_each(|made| summary.add(made.expect));
    let share = |category: Category| 100 * summary.events[category.name()] / summary.recorded();
    assert!((41..=48).contains(&share(Category::UserProgress)), "{summary:?}");
    assert!((22..=28).contains(&share(Category::UserStatus)), "{summary:?}");
}

#[test]
fn keys_lead_where_is_said() {
    let options = options(5000, 11);
    for made in Generator::new(options.clone()) {
        let value: serde_json::Value = serde_json::from_slice(&made.value).unwrap_or_default();
        let Some(tenant) = value.get("tenant").and_then(|tenant| tenant.as_str()) else { continue };
        let home = options.partitions.partition_of(tenant.as_bytes());
        let leads = made.key.as_ref().map(|key| options.partitions.partition_of(key) == home);
        let expected = match made.expect.route {
            Route::Straight => Some(true),
            Route::Rerouted => Some(false),
            Route::Keyless => None,
        };
        if tenant != "no tenant" {
            assert_eq!(leads, expected, "{value}");
        }
    }
}

#[test]
fn one_partition_leaves_nothing_to_reroute() {
    let one = Options { partitions: PartitionCount::new(1).expect("not 0"), ..options(2000, 5) };
    assert!(Generator::new(one).all(|made| made.expect.route != Route::Rerouted));
}
