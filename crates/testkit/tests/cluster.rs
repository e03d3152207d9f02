//! A cluster of three brokers: it starts, goes on without any one of them, and its leaderships can be seen and moved.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::time::Duration;

use testkit::{Cluster, Coordinator, End, Node, Raw, Sending, TestKafka, wait_until};

const LIMIT: Duration = Duration::from_secs(60);
const TOPIC: &str = "kept";

fn three() -> Option<TestKafka> {
    let kafka = Cluster::of(3).fresh_or_skip()?;
    kafka.create_topic(TOPIC, 3, &[]);
    Some(kafka)
}

fn send(kafka: &TestKafka, value: &str) {
    kafka.produce((0..3).map(|partition| Raw::to(TOPIC).partition(partition).value(value)));
}

fn values(kafka: &TestKafka) -> Vec<String> {
    let mut values: Vec<_> = kafka.read(TOPIC).iter().map(|record| record.value_text()).collect();
    values.dedup();
    values
}

#[test]
fn without_any_one_of_three_records_go_in_and_out() {
    let Some(kafka) = three() else { return };
    assert_eq!(kafka.nodes().iter().map(Node::id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((kafka.replicas(), kafka.min_in_sync()), (3, 2));
    kafka.await_full_isr(LIMIT);
    let leader = kafka.leader_of(TOPIC, 0).unwrap();
    let controller = kafka.controller();
    send(&kafka, "before");
    for id in [leader, if controller == leader { leader % 3 + 1 } else { controller }] {
        kafka.node(id).kill();
        assert!(!kafka.node(id).is_running());
        wait_until(LIMIT, "other leaders", || {
            (0..3).all(|partition| kafka.leader_of(TOPIC, partition).is_some_and(|leader| leader != id))
        });
        send(&kafka, "without one");
        assert_eq!(values(&kafka).last().unwrap(), "without one");
        assert_ne!(kafka.controller(), id);
        kafka.node(id).start_again();
        kafka.await_full_isr(LIMIT);
    }
    kafka.stop();
    kafka.start_again();
    kafka.await_full_isr(LIMIT);
    assert_eq!(kafka.read(TOPIC).len(), 9);
}

#[test]
fn a_lacking_replica_is_named() {
    let Some(kafka) = three() else { return };
    kafka.await_full_isr(LIMIT);
    kafka.node(2).kill();
    wait_until(LIMIT, "node 2 to be missed", || {
        let lacking = kafka.lacking_replicas();
        ["kept 0", "kept 1", "kept 2"].iter().all(|partition| lacking.iter().any(|one| one == partition))
    });
    kafka.node(2).start_again();
    kafka.await_full_isr(LIMIT);
}

#[test]
fn leaders_and_coordinators_go_where_they_are_sent() {
    let Some(kafka) = three() else { return };
    kafka.await_full_isr(LIMIT);
    for node in [1, 2, 3, 1] {
        kafka.move_leader(TOPIC, 1, node);
        assert_eq!(kafka.leader_of(TOPIC, 1), Some(node));
        for whose in [Coordinator::Group("readers"), Coordinator::Transaction("writer-1")] {
            kafka.move_coordinator(whose, node);
            assert_eq!(kafka.coordinator_of(whose), node);
        }
        let sending = Sending { transaction: Some(("writer-1".into(), End::Commit)), ..Sending::default() };
        kafka.produce_as(&sending, [Raw::to(TOPIC).partition(1).value("moved")]);
    }
    assert_eq!(kafka.read(TOPIC).len(), 4);
    assert_eq!(kafka.leader_of("no such topic", 0), None);
}

#[test]
fn one_node_is_a_cluster_as_well() {
    let Some(kafka) = Cluster::of(1).fresh_or_skip() else { return };
    kafka.create_topic(TOPIC, 1, &[]);
    assert_eq!((kafka.replicas(), kafka.min_in_sync()), (1, 1));
    assert_eq!((kafka.controller(), kafka.leader_of(TOPIC, 0)), (1, Some(1)));
    assert_eq!(kafka.coordinator_of(Coordinator::Group("readers")), 1);
    assert_eq!(kafka.bootstrap(), kafka.node(1).address());
    kafka.node(1).freeze();
    kafka.node(1).thaw();
    kafka.node(1).stop();
    kafka.node(1).start_again();
    assert_eq!(kafka.leader_of(TOPIC, 0), Some(1));
}
