//! Every action that a read_committed reader sees stands in exactly one of events, dead letters and receipts, as many of each
//! as were to be expected; what a platform aborted is nobody's.

use std::collections::BTreeMap;

use catalog::Topic;
use serde_json::Value;
use testkit::{End, Sending};
use tests::trail::{Outputs, Site, generated, judge, raw};

#[test]
fn every_action_stands_in_exactly_one_place() {
    let Some(site) = Site::fresh() else { return };
    let mut running = site.run("one", &[]);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("summary.json");
    let summary = file.to_str().expect("a path of text");
    site.done(&["generate", "-n", "3000", "--seed", "11", "--publish", "--summary", summary]);
    let in_transaction = |id: &str, end, seed| {
        let sending = Sending { transaction: Some((id.to_owned(), end)), ..Sending::default() };
        // The first of the deck are valid and of different actions.
        site.kafka.produce_as(&sending, generated(300, seed).take(100).map(raw));
    };
    in_transaction("platform-a", End::Abort, 12);
    in_transaction("platform-b", End::Commit, 13);
    site.await_caught_up(&mut [&mut running]);

    let account = judge(&site);
    let expected: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("generate wrote it")).expect("JSON");
    let number = |name: &str| usize::try_from(expected[name].as_u64().expect(name)).expect(name);
    assert_eq!(account.recorded, number("recorded") + 100, "{account:?}");
    assert_eq!(account.duplicate, number("duplicate"));
    assert_eq!(account.suppressed, number("suppressed"));
    let reasons: BTreeMap<String, usize> =
        serde_json::from_value(expected["dead_lettered_by_reason"].clone()).expect("counts");
    assert_eq!(account.dead_lettered, reasons);
    let rerouted = number("rerouted")..=number("rerouted") + number("keyless");
    assert!(rerouted.contains(&account.rerouted), "{account:?}, {expected}");

    let mut categories: BTreeMap<String, u64> = BTreeMap::new();
    let decoder = codec::Codec::single_object().decoder();
    let outputs = Outputs::of(&site);
    for (_, event) in outputs.stream(Topic::Events) {
        let event = decoder.event(event.value.as_deref().expect("a value")).expect("an event");
        if event.action.source != "lms.web" || true {
            *categories.entry(event.action.entry.category.name().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(categories.values().sum::<u64>(), account.recorded as u64);
}
