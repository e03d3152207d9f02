//! What befalls processes: killed, frozen, ended, joined, left, stalled.

use std::time::{Duration, SystemTime};

use testkit::Signal;

use super::{aim_at, ask};
use crate::faults::evidence::{Act, Evidence};
use crate::faults::hall::Hall;
use crate::faults::logs::LogFile;
use crate::faults::schedule::Fault;
use crate::faults::stage::StageName;
use crate::trail::LONG;

/// What a process says that learns that the group, or a successor of its name, went on without it.
const EXPELLED: [&str; 4] = ["session timed out", "partitions lost", "fenced", "maximum poll interval"];
/// A member learns of a rebalance by its next heartbeat, 3 s at most, and gives up after another what is to move.
const REBALANCED: Duration = Duration::from_secs(20);

pub(super) fn kill(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let acts = super::kill(hall, victim);
    std::thread::sleep(fault.hold);
    hall.processes[victim].start();
    Ok(Evidence::seen(acts, true))
}

pub(super) fn zombie(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    hall.processes[victim].signal(Signal::Stop);
    let stopped = SystemTime::now();
    let log = hall.processes[victim].log_of_this_life();
    std::thread::sleep(fault.hold);
    hall.processes[victim].signal(Signal::Continue);
    let acts = Act::at(vec![log.clone()], stopped);
    Ok(Evidence::later(acts, move |_| log.read().first(&EXPELLED, stopped).is_some()))
}

pub(super) fn terminate(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let process = &mut hall.processes[victim];
    let log = process.log_of_this_life();
    process.signal(Signal::Term);
    let acts = Act::at(vec![log], SystemTime::now());
    let ended = process.await_end();
    std::thread::sleep(fault.hold);
    process.start();
    ended.map(|()| Evidence::seen(acts, true))
}

/// Hits an open transaction where one of the stage's own processes has one when the group is rebalanced.
pub(super) fn join(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    hall.make_room(fault.stage);
    aim_at(hall, fault, hall.victim(fault.stage, fault.choice));
    let from = SystemTime::now();
    joined(hall, fault.stage)?;
    let (logs, instants) = rebalanced(hall.logs(Some(fault.stage)), from);
    std::thread::sleep(fault.hold);
    Ok(Evidence::seen(acts(&logs, &instants), !instants.is_empty()))
}

/// One leaves that joined before; where none did, one joins first.
pub(super) fn leave(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    let leaving = match hall.last_joined(fault.stage) {
        Some(place) => place,
        None => joined(hall, fault.stage)?,
    };
    aim_at(hall, fault, leaving);
    let leaver = hall.processes[leaving].log_of_this_life();
    let from = SystemTime::now();
    hall.leave(fault.stage);
    let others = hall.logs(Some(fault.stage));
    ask(REBALANCED, || (!rebalanced(others.clone(), from).1.is_empty()).then_some(()));
    let (mut logs, mut instants) = rebalanced(others, from);
    let seen = !instants.is_empty();
    logs.push(leaver);
    instants.insert(0, from);
    std::thread::sleep(fault.hold);
    Ok(Evidence::seen(acts(&logs, &instants), seen))
}

/// The worker's loop stands still while the client's own threads go on.
pub(super) fn stall(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let process = &hall.processes[victim];
    let (log, from) = (process.log_of_this_life(), SystemTime::now());
    process.set_failpoints(&format!("stall={}s\n", fault.hold.as_secs()));
    // It is looked at between two transactions at the latest.
    let stalled = ask(LONG, || log.read().first(&["the worker stalls"], from));
    std::thread::sleep(fault.hold);
    process.set_failpoints("");
    // What is open when it stalls stays so.
    let acts = Act::at(vec![log.clone()], stalled.unwrap_or(from));
    Ok(Evidence::later(acts, move |_| log.read().first(&EXPELLED, from).is_some()))
}

/// Every process of the stage is killed; the group, empty, is deleted with its offsets, as Kafka does after some days.
pub(super) fn forget_offsets(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let places = hall.of(fault.stage);
    let acts = places.iter().flat_map(|place| super::kill(hall, *place)).collect();
    hall.site.kafka.delete_group(&fault.stage.group());
    std::thread::sleep(fault.hold);
    for place in places {
        hall.processes[place].start();
    }
    Ok(Evidence::seen(acts, true))
}

/// One joins and is given something: its place.
pub(super) fn joined(hall: &mut Hall, stage: StageName) -> Result<usize, String> {
    let place = hall.join(stage);
    if !hall.processes[place].saw("partition restored", LONG) {
        return Err(format!("{} joined and was given no partition", hall.processes[place].name()));
    }
    Ok(place)
}

/// When each rebalance after an instant was over, as the first of these told it. Who has a transaction open then ends it first
/// and tells later.
fn rebalanced(logs: Vec<LogFile>, after: SystemTime) -> (Vec<LogFile>, Vec<SystemTime>) {
    let mut instants: Vec<_> = logs.iter().flat_map(|log| log.read().rebalanced(after)).collect();
    instants.sort();
    (logs, instants)
}

fn acts(logs: &[LogFile], instants: &[SystemTime]) -> Vec<Act> {
    instants.iter().flat_map(|instant| Act::at(logs.to_vec(), *instant)).collect()
}
