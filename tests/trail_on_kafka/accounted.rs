//! Every action that a read_committed reader sees stands in exactly one of events, dead letters and receipts, as many of each
//! as were to be expected; what a platform aborted is nobody's.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use serde_json::{Value, json};
use testkit::{End, Raw, Sending};
use tests::trail::{Outputs, Site, action, actions_topic, judge};

/// Actions that a platform sends in a transaction of its own.
const IN_TRANSACTION: usize = 40;

#[test]
fn every_action_stands_in_exactly_one_place() {
    let Some(site) = Site::fresh() else { return };
    let mut running = site.run("one", &[]);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("summary.json");
    let summary = file.to_str().expect("a path of text");
    transaction(&site, "aborted", End::Abort);
    site.done(&["generate", "-n", "3000", "--seed", "11", "--publish", "--summary", summary]);
    transaction(&site, "committed", End::Commit);
    site.await_caught_up(&mut [&mut running]);

    let expected: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("generate wrote it")).expect("JSON");
    let number = |name: &str| usize::try_from(expected[name].as_u64().expect(name)).expect(name);
    let account = judge(&site);
    assert_eq!(account.recorded, number("recorded") + IN_TRANSACTION, "{account:?}");
    assert_eq!(account.duplicate, number("duplicate"));
    assert_eq!(account.suppressed, number("suppressed"));
    assert_eq!(account.dead_lettered, counts(&expected["dead_lettered_by_reason"]));
    let rerouted = number("rerouted")..=number("rerouted") + number("keyless");
    assert!(rerouted.contains(&account.rerouted), "{account:?}, {expected}");
    let mut categories = counts(&expected["events_by_category"]);
    *categories.get_mut("course-and-training-plan").expect("there are some") += IN_TRANSACTION;
    assert_eq!(by_category(&site), categories);
}

fn transaction(site: &Site, id: &str, end: End) {
    let sending = Sending { transaction: Some((id.to_owned(), end)), ..Sending::default() };
    let one = |number: usize| {
        let value = action("transactional", &format!("{id}-{number}"), json!({}));
        Raw::to(&actions_topic()).key("transactional").value(value)
    };
    site.kafka.produce_as(&sending, (0..IN_TRANSACTION).map(one));
}

fn counts(value: &Value) -> BTreeMap<String, usize> {
    serde_json::from_value(value.clone()).expect("counts by name")
}

fn by_category(site: &Site) -> BTreeMap<String, usize> {
    let decoder = Codec::single_object().decoder();
    let mut categories = BTreeMap::new();
    for (_, written) in Outputs::of(site).stream(Topic::Events) {
        let event = decoder.event(written.value.as_deref().expect("a value")).expect("an event of ours");
        *categories.entry(event.action.entry.category.name().to_owned()).or_default() += 1;
    }
    categories
}
