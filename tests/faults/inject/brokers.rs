//! What befalls brokers: killed and started again, leadership and coordinators moved from one to another.

use catalog::{Category, Topic, View};
use testkit::Coordinator;

use super::{Hit, aim_at, aim_at_any};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::{LONG, PARTITIONS};

/// One node, or one of three: then the others go on, and the next fault waits until all copies are complete again, as two lost
/// copies of three are no fault that a cluster promises to survive.
pub(super) fn kill(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let hit = aim_at_any(hall, fault);
    let kafka = &hall.site.kafka;
    let nodes = kafka.nodes();
    let node = &nodes[fault.choice % nodes.len()];
    node.kill();
    std::thread::sleep(fault.hold);
    node.start_again();
    if nodes.len() > 1 {
        kafka.await_full_isr(LONG);
    }
    Ok(hit)
}

/// Input, output and one report of the stages get another leader.
pub(super) fn move_leaders(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let hit = aim_at_any(hall, fault);
    let partition = i32::try_from(fault.choice).expect("small") % PARTITIONS.cast_signed();
    let report = Topic::Report(Category::UserProgress, View::Activity);
    for topic in [fault.stage.input(), Topic::Ledger, report] {
        let topic = topic.name();
        let leader = hall.site.kafka.leader_of(&topic, partition);
        hall.site.kafka.move_leader(&topic, partition, another(hall, leader, fault.choice));
    }
    std::thread::sleep(fault.hold);
    Ok(hit)
}

/// The coordinators of the stage's group and of the victim's transactions move.
pub(super) fn move_coordinators(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    let hit = aim_at(hall, fault, victim);
    let group = fault.stage.group();
    let transactions = hall.processes[victim].transactional_id();
    for whose in [Coordinator::Group(&group), Coordinator::Transaction(&transactions)] {
        let now = hall.site.kafka.coordinator_of(whose);
        hall.site.kafka.move_coordinator(whose, another(hall, Some(now), fault.choice));
    }
    std::thread::sleep(fault.hold);
    Ok(hit)
}

/// A node that is not this one.
fn another(hall: &Hall, not: Option<i32>, choice: usize) -> i32 {
    let all = hall.site.kafka.nodes();
    let others: Vec<_> = all.iter().map(testkit::Node::id).filter(|id| Some(*id) != not).collect();
    others[choice % others.len()]
}
