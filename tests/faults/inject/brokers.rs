//! What befalls brokers: killed and started again, leadership and coordinators moved from one to another.

use std::time::{Duration, SystemTime};

use catalog::{Category, Topic, View};
use testkit::Coordinator;

use super::{aim_at, aim_at_any};
use crate::faults::evidence::{Act, Evidence};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::{LONG, PARTITIONS};

/// So long every partition may stand still without one of three brokers until the run is broken off.
const FAILOVER: Duration = Duration::from_secs(120);

/// One node, or one of three: then the others go on without it before it comes back, and the next fault waits until all copies
/// are complete again, as two lost copies of three are no fault that a cluster promises to survive.
pub(super) fn kill(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    aim_at_any(hall, fault);
    let several = hall.site.kafka.nodes().len() > 1;
    let place = fault.choice % hall.site.kafka.nodes().len();
    let from = SystemTime::now();
    hall.site.kafka.nodes()[place].kill();
    let acts = Act::during(hall.logs(None), from, SystemTime::now());
    let moved = if several { move_on_without(hall) } else { Ok(()) };
    let failover = from.elapsed().ok().filter(|_| several);
    std::thread::sleep(left(fault.hold, from));
    hall.site.kafka.nodes()[place].start_again();
    if several {
        hall.site.kafka.await_full_isr(LONG * 2);
    }
    moved.map_err(|why| format!("while a broker was down: {why}"))?;
    Ok(Evidence { failover, ..Evidence::seen(acts, true) })
}

/// Waits until every partition has moved on twice: once it does so with what was on its way when the broker died.
fn move_on_without(hall: &mut Hall) -> Result<(), String> {
    hall.await_recovery(FAILOVER)?;
    hall.await_recovery(FAILOVER).map(|_| ())
}

/// Input, output and one report of the stages get another leader.
pub(super) fn move_leaders(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    aim_at_any(hall, fault);
    let from = SystemTime::now();
    let partition = i32::try_from(fault.choice).expect("small") % PARTITIONS.cast_signed();
    let report = Topic::Report(Category::UserProgress, View::Activity);
    let mut moved = false;
    for topic in [fault.stage.input(), Topic::Ledger, report] {
        let topic = topic.name();
        let leader = hall.site.kafka.leader_of(&topic, partition);
        hall.site.kafka.move_leader(&topic, partition, another(hall, leader, fault.choice));
        moved |= leader.is_some();
    }
    let acts = Act::during(hall.logs(None), from, SystemTime::now());
    std::thread::sleep(fault.hold);
    Ok(Evidence::seen(acts, moved))
}

/// The coordinators of the stage's group and of the victim's transactions move.
pub(super) fn move_coordinators(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let from = SystemTime::now();
    let group = fault.stage.group();
    let transactions = hall.processes[victim].transactional_id();
    for whose in [Coordinator::Group(&group), Coordinator::Transaction(&transactions)] {
        let now = hall.site.kafka.coordinator_of(whose);
        hall.site.kafka.move_coordinator(whose, another(hall, Some(now), fault.choice));
    }
    let acts = Act::during(hall.logs(Some(fault.stage)), from, SystemTime::now());
    std::thread::sleep(fault.hold);
    Ok(Evidence::seen(acts, true))
}

/// What is left of a hold that began at this instant.
fn left(hold: Duration, began: SystemTime) -> Duration {
    hold.saturating_sub(began.elapsed().unwrap_or_default())
}

/// A node that is not this one.
fn another(hall: &Hall, not: Option<i32>, choice: usize) -> i32 {
    let all = hall.site.kafka.nodes();
    let others: Vec<_> = all.iter().map(testkit::Node::id).filter(|id| Some(*id) != not).collect();
    others[choice % others.len()]
}
