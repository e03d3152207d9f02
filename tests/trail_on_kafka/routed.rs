//! Actions that a foreign client's partitioner laid elsewhere reach their tenant's partition, once each; one that comes back is
//! not moved for ever.

use std::collections::BTreeMap;

use catalog::{Receipt, Topic};
use codec::Codec;
use pipeline::{REROUTE_HEADER, dead_letter::headers};
use serde_json::json;
use stage::PartitionCount;
use testkit::{Partitioner, Placed, Raw, Sending};
use tests::trail::{Calm, Outputs, PARTITIONS, action, actions_topic, in_partition};

fn home(tenant: &str) -> u32 {
    PartitionCount::new(PARTITIONS).expect("more than none").partition_of(tenant.as_bytes()).number()
}

/// Where the event of each action of these tenants lies: action id to event partition and provenance partition.
fn events(outputs: &Outputs, prefix: &str) -> BTreeMap<String, (u32, u32)> {
    let decoder = Codec::single_object().decoder();
    let mut found = BTreeMap::new();
    for (partition, written) in outputs.stream(Topic::Events) {
        let event = decoder.event(written.value.as_deref().expect("a value")).expect("an event of ours");
        if event.action.tenant.as_str().starts_with(prefix) {
            let place = (partition, event.provenance.partition);
            assert_eq!(found.insert(event.action.id.into_owned(), place), None, "an action has one event");
        }
    }
    found
}

/// From where to where actions of these tenants were moved.
fn moves(outputs: &Outputs, prefix: &str) -> BTreeMap<(u32, i64), u32> {
    let decoder = Codec::single_object().decoder();
    let receipts = outputs.stream(Topic::Receipts).map(|(_, written)| {
        decoder.receipt(written.value.as_deref().expect("a value")).expect("a receipt of ours")
    });
    let moved = receipts.filter_map(|receipt| match receipt {
        Receipt::Rerouted { tenant, partition, offset, to_partition, .. }
            if tenant.as_str().starts_with(prefix) =>
        {
            Some(((partition, offset), to_partition))
        }
        _ => None,
    });
    moved.collect()
}

#[test]
fn a_foreign_partitioner_is_corrected() {
    let Some(calm) = Calm::site() else { return };
    for (prefix, partitioner) in [("crc", Partitioner::Crc32), ("any", Partitioner::Random)] {
        let sending = Sending { partitioner, ..Sending::default() };
        let tenants: Vec<_> = (0..120).map(|number| format!("{prefix}-{}", number % 12)).collect();
        let one = |(number, tenant): (usize, &String)| {
            let value = action(tenant, &format!("{prefix}.{number}"), json!({}));
            Raw::to(&actions_topic()).key(tenant.as_str()).value(value).header("traceparent", "00-1-2-01")
        };
        let placed = calm.site.kafka.produce_as(&sending, tenants.iter().enumerate().map(one));
        calm.await_caught_up();
        let outputs = Outputs::of(&calm.site);

        let events = events(&outputs, prefix);
        assert_eq!(events.len(), tenants.len());
        for (number, tenant) in tenants.iter().enumerate() {
            let place = events[&format!("{prefix}.{number}")];
            assert_eq!(place, (home(tenant), home(tenant)), "{tenant}");
        }
        let astray = |(at, tenant): (&Placed, &String)| {
            let from = at.partition.cast_unsigned();
            (from != home(tenant)).then(|| ((from, at.offset), home(tenant)))
        };
        let expected: BTreeMap<_, _> = placed.iter().zip(&tenants).filter_map(astray).collect();
        assert!(expected.len() > 20, "{partitioner:?} lays most elsewhere, not {}", expected.len());
        assert_eq!(moves(&outputs, prefix), expected, "{partitioner:?}");
    }
}

#[test]
fn an_action_that_comes_back_is_not_moved_again() {
    let Some(calm) = Calm::site() else { return };
    let tenant = in_partition("bounce", 0);
    let astray = |id: &str, header: &str| {
        let raw = Raw::to(&actions_topic()).partition(2).key("k").value(action(&tenant, id, json!({})));
        raw.header(REROUTE_HEADER, header)
    };
    // Moved before by a trail of as many partitions; of another count; by a header that is none of ours.
    let actions =
        vec![astray("back", "1/5/3"), astray("other-count", "1/5/12"), astray("odd", "here and there")];
    let (placed, outputs) = calm.send(actions);
    let moved = moves(&outputs, &tenant);
    assert_eq!(
        moved.into_iter().collect::<Vec<_>>(),
        [((2, placed[1].offset), 0), ((2, placed[2].offset), 0)]
    );
    assert_eq!(
        events(&outputs, &tenant).into_iter().collect::<Vec<_>>(),
        [("odd".to_owned(), (0, 0)), ("other-count".to_owned(), (0, 0))]
    );
    let offset = placed[0].offset.to_string();
    let of_it = outputs.stream(Topic::DeadLetters).filter(|(partition, written)| {
        let has = |name: &str, value: &str| {
            written.headers.iter().any(|(key, is)| key == name && is.as_deref() == Some(value.as_bytes()))
        };
        *partition == 2 && has(headers::OFFSET, &offset) && has(headers::REASON, "misrouted")
    });
    assert_eq!(of_it.count(), 1);
}
