//! What befalls processes: killed, frozen, ended, joined, left, stalled.

use std::time::Duration;

use testkit::Signal;

use super::{Hit, aim_at, hit};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::LONG;

pub(super) fn kill(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    aim_at(hall, fault, victim);
    hall.processes[victim].kill();
    let hit = hit(hall, victim);
    std::thread::sleep(fault.hold);
    hall.processes[victim].start();
    Ok(hit)
}

pub(super) fn zombie(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    aim_at(hall, fault, victim);
    hall.processes[victim].signal(Signal::Stop);
    let hit = hit(hall, victim);
    std::thread::sleep(fault.hold);
    hall.processes[victim].signal(Signal::Continue);
    Ok(hit)
}

pub(super) fn terminate(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    let hit = aim_at(hall, fault, victim);
    let process = &mut hall.processes[victim];
    process.signal(Signal::Term);
    let ended = process.await_end();
    std::thread::sleep(fault.hold);
    process.start();
    ended.map(|()| hit)
}

/// Hits an open transaction where one of the stage's own processes, which all give something up, has one.
pub(super) fn join(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let hit = aim_at(hall, fault, hall.victim(fault.stage, fault.choice));
    let joined = hall.join(fault.stage);
    if !hall.processes[joined].saw("partition restored", LONG) {
        return Err(format!("{} joined and was given no partition", hall.processes[joined].name()));
    }
    std::thread::sleep(fault.hold);
    Ok(hit)
}

/// One leaves that joined before; where none did, one joins first.
pub(super) fn leave(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    let leaving = match hall.last_joined(fault.stage) {
        Some(place) => place,
        None => {
            let place = hall.join(fault.stage);
            if !hall.processes[place].saw("partition restored", LONG) {
                return Err(format!("{} joined and was given no partition", hall.processes[place].name()));
            }
            place
        }
    };
    let hit = aim_at(hall, fault, leaving);
    hall.leave(fault.stage);
    std::thread::sleep(fault.hold);
    Ok(hit)
}

/// The worker's loop stands still while the client's own threads go on.
pub(super) fn stall(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    let hit = aim_at(hall, fault, victim);
    let process = &hall.processes[victim];
    process.set_failpoints(&format!("stall={}s\n", fault.hold.as_secs()));
    // It is looked at between two transactions at the latest.
    std::thread::sleep(fault.hold + Duration::from_secs(1));
    process.set_failpoints("");
    Ok(hit)
}

/// Every process of the stage is killed; the group, empty, is deleted with its offsets, as Kafka does after some days.
pub(super) fn forget_offsets(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    aim_at(hall, fault, victim);
    let all = || (0..).zip(&hall.processes).filter(|(_, process)| process.stage == fault.stage);
    let places: Vec<usize> = all().map(|(place, _)| place).collect();
    for place in &places {
        hall.processes[*place].kill();
    }
    let hit = hit(hall, victim);
    hall.site.kafka.delete_group(&fault.stage.group());
    std::thread::sleep(fault.hold);
    for place in places {
        hall.processes[place].start();
    }
    Ok(hit)
}
