//! Dead letters replayed: each once, whoever is killed or works beside, and judged anew as any other action.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::{Codec, LedgerRecord};
use pipeline::REPLAY_HEADER;
use pipeline::replay::headers as marker;
use serde_json::{Value, json};
use testkit::{Product, Raw, wait_until};
use tests::trail::{LONG, PARTITIONS, Site, action, actions_topic, in_partition};

/// A fresh site on which this many actions of each partition's tenant became dead letters: their name is none yet.
fn site_with(each: usize) -> Option<(Site, Product)> {
    let site = Site::fresh()?;
    let mut running = site.run("one", &[]);
    let tenants: Vec<_> = tenants().collect();
    let unknown = |tenant: &String, number: usize| {
        let value = action(tenant, &format!("r-{number}"), json!({"action": "course.finished"}));
        Raw::to(&actions_topic()).key(tenant.as_str()).header("kept", b"yes".as_slice()).value(value)
    };
    site.send((0..each).flat_map(|number| tenants.iter().map(move |tenant| unknown(tenant, number))));
    site.await_caught_up(&mut [&mut running]);
    Some((site, running))
}

fn tenants() -> impl Iterator<Item = String> {
    (0..PARTITIONS).map(|partition| in_partition("replay", partition))
}

/// How often each tenant and id was recorded.
fn recorded(site: &Site) -> BTreeMap<(String, String), usize> {
    let decoder = Codec::single_object().decoder();
    let mut found = BTreeMap::new();
    for record in site.kafka.read(&Topic::Events.name()) {
        let event = decoder.event(record.value.as_deref().expect("a value")).expect("an event of ours");
        let of = (event.action.tenant.to_string(), event.action.id.to_string());
        *found.entry(of).or_default() += 1;
    }
    found
}

/// How many actions the ledger counts as replayed, in all.
fn counted_as_replayed(site: &Site) -> i64 {
    let decoder = Codec::single_object().decoder();
    let mut rows = BTreeMap::new();
    for record in site.kafka.read(&Topic::Ledger.name()) {
        let Some(value) = &record.value else { continue };
        if let LedgerRecord::Account(row) = decoder.ledger(value).expect("a ledger record of ours") {
            rows.insert(record.key, row.replayed);
        }
    }
    rows.values().sum()
}

/// Fails unless each dead letter was published again exactly once and has exactly one marker.
fn assert_each_once(site: &Site, letters: usize) {
    let published: Vec<_> = site.actions().iter().filter_map(|action| action.header(REPLAY_HEADER)).collect();
    let markers: Vec<_> = site
        .kafka
        .read(&Topic::DeadLetters.name())
        .iter()
        .filter_map(|record| record.header(marker::OF))
        .collect();
    for mut all in [published, markers] {
        assert_eq!(all.len(), letters);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), letters, "one of them twice");
    }
}

const MEND: [&str; 4] = ["--reason", "unknown_action", "--mend", "action=course.completed"];

#[test]
fn a_replay_that_is_killed_and_run_again_publishes_each_once() {
    const EACH: usize = 40;
    let Some((site, mut running)) = site_with(EACH) else { return };
    let all = EACH * PARTITIONS as usize;
    let replay = ["dead-letters", "replay", "--yes", "--per-transaction", "2"];
    let replay = [&replay[..], &MEND].concat();
    let watch = site.watch(Topic::DeadLetters);
    // Markers come to the log while a transaction is open: there it is killed, until one comes through.
    for kill in 1..=4 {
        let before = watch.written();
        let mut one = site.start(&replay);
        wait_until(LONG, "markers of an open transaction", || watch.written() > before + 3 * kill);
        one.kill();
    }
    let done = site.done(&replay);
    let none = done.err.lines().any(|line| line.starts_with("0 replayed, "));
    assert!(done.err.contains(" replayed, ") && !none, "{}", done.err);
    assert!(!done.err.contains(", 0 not again"), "a killed one had published some: {}", done.err);
    assert_each_once(&site, all);
    site.await_caught_up(&mut [&mut running]);
    let events = recorded(&site);
    assert_eq!(events.len(), all);
    assert!(events.values().all(|count| *count == 1), "{events:?}");
    assert_eq!(counted_as_replayed(&site), i64::try_from(all).expect("few"));
    let actions = site.actions();
    for replayed in actions.iter().filter(|action| action.header(REPLAY_HEADER).is_some()) {
        assert_eq!(replayed.key_text(), replayed.json()["tenant"].as_str().expect("a tenant"));
        assert_eq!(replayed.headers.len(), 2, "its own and ours: {:?}", replayed.headers);
        assert_eq!(replayed.header("kept").as_deref(), Some("yes"));
    }
    let again = site.done(&replay);
    assert!(again.err.contains(&format!("0 replayed, {all} not again, 0 refused")), "{}", again.err);
    assert_each_once(&site, all);
}

#[test]
fn two_replays_at_once_publish_each_once() {
    const EACH: usize = 60;
    let Some((site, _running)) = site_with(EACH) else { return };
    let replay = [&["dead-letters", "replay", "--yes", "--per-transaction", "1"][..], &MEND].concat();
    let mut both = [site.start(&replay), site.start(&replay)];
    let ended = both.each_mut().map(|one| one.wait(LONG).code());
    // The one that was fenced says so; who came later did what was left, unless both came apart.
    for (product, code) in both.iter().zip(ended) {
        let said = product.stderr();
        assert!(code == Some(0) || said.contains("another replay has begun"), "{code:?}: {said}");
    }
    assert!(ended.contains(&Some(0)), "{ended:?}");
    let left = site.done(&replay);
    assert!(left.err.contains("replayed, ") && left.err.contains(" 0 refused"), "{}", left.err);
    assert_each_once(&site, EACH * PARTITIONS as usize);
}

#[test]
fn what_is_mended_goes_where_it_belongs_and_the_rest_is_refused_by_name() {
    let Some(site) = Site::fresh() else { return };
    let mut running = site.run("one", &[]);
    let [home, other] = [in_partition("mend", 2), in_partition("mend", 1)];
    let raw = |value: Vec<u8>| Raw::to(&actions_topic()).partition(0).value(value);
    let good = action(&other, "twice", json!({}));
    let conflict = action(&other, "twice", json!({"user": {"id": "u-2"}}));
    site.send([
        raw(action("", "nobody", json!({"tenant": null}))),
        raw(b"{".to_vec()),
        raw(good).partition(1),
        raw(conflict).partition(1),
        raw(vec![b'x'; 1_048_577]),
    ]);
    site.await_caught_up(&mut [&mut running]);
    let dry = site.end_of(&["dead-letters", "replay", "--all", "--dry-run", "-o", "jsonl"]);
    assert_eq!(dry.status.code(), Some(3), "{}", dry.err);
    assert!(dry.err.contains("0 would be replayed, 0 not again, 4 refused"), "{}", dry.err);
    for why in ["no valid tenant", "cannot be read", "give it a --new-id", "what is kept of it was cut"] {
        assert!(dry.out.contains(why), "{why:?} is not in\n{}", dry.out);
    }
    let mend = format!("tenant={home}");
    site.done(&["dead-letters", "replay", "--id", "nobody", "--mend", &mend, "--yes"]);
    site.done(&["dead-letters", "replay", "--id", "twice", "--new-id", "{id}-2", "--yes"]);
    site.await_caught_up(&mut [&mut running]);
    let events = recorded(&site);
    let expected = [(&home, "nobody"), (&other, "twice"), (&other, "twice-2")];
    let expected = expected.map(|(tenant, id)| ((tenant.clone(), id.to_owned()), 1));
    assert_eq!(events, expected.into());
    let list = site.done(&["dead-letters", "list", "-o", "jsonl"]);
    let rows: Vec<Value> = list.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let times = rows.iter().map(|row| row["replayed"].as_array().expect("a list").len());
    assert_eq!((rows.len(), times.sum::<usize>()), (4, 2), "{rows:?}");
    // Nothing was re-routed: it was published where it belongs.
    let receipts = site.kafka.read(&Topic::Receipts.name());
    assert_eq!(receipts.len(), 0);
}

#[test]
fn a_flood_of_unknown_actions_stops_the_stage_where_configured_until_it_is_accepted() {
    let Some(site) = Site::fresh() else { return };
    let tenant = in_partition("flood", 1);
    let send = |ids: std::ops::Range<usize>, more: Value| {
        let raw = |number: usize| {
            let value = action(&tenant, &format!("f-{number}"), more.clone());
            Raw::to(&actions_topic()).key(tenant.as_str()).value(value)
        };
        site.send(ids.map(raw)).last().expect("some").offset
    };
    send(0..300, json!({}));
    let last = send(300..400, json!({"action": "course.finished"}));
    let stop = ["--set", "normalizer.stop_on_dead_letters=true"];
    let mut stopped = site.run("one", &stop);
    let status = stopped.wait(LONG);
    let said = stopped.stderr();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(
        said.contains("lms.actions.v1 partition 1 offset ") && said.contains(" actions are unknown"),
        "{said}"
    );
    assert!(said.contains("`lms-audit run --accept-dead-letters 1:"), "{said}");
    let kept = site.kafka.read(&Topic::DeadLetters.name()).len();
    assert!(kept <= 50, "{kept} dead letters of the flood were committed");

    let accept = format!("1:{}", last + 1);
    let mut running = site.run("one", &[&stop[..], &["--accept-dead-letters", &accept]].concat());
    site.await_caught_up(&mut [&mut running]);
    assert_eq!(site.kafka.read(&Topic::DeadLetters.name()).len(), 100);
    assert_eq!(recorded(&site).len(), 300);
}
