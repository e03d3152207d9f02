//! What befalls a process while it restores: its state was taken away, so that it has something to restore.

use std::time::Duration;

use super::{Hit, aim_at, hit};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::LONG;

/// What a process logs when it begins to restore.
const RESTORING: &str = "restoring";
/// A member that was killed is expelled after its session, 6 s; one that comes back before has its partitions at once.
const ASSIGNED: Duration = Duration::from_secs(30);

pub(super) fn kill(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    let hit = kill_and_forget(hall, fault, victim)?;
    let process = &mut hall.processes[victim];
    let restored = process.saw(RESTORING, ASSIGNED);
    process.kill();
    std::thread::sleep(fault.hold);
    process.start();
    if !restored {
        return Err(format!("{} did not restore within {ASSIGNED:?} of its start", process.name()));
    }
    Ok(hit)
}

pub(super) fn rebalance(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    let hit = kill_and_forget(hall, fault, victim)?;
    let name = hall.processes[victim].name();
    if !hall.processes[victim].saw(RESTORING, ASSIGNED) {
        return Err(format!("{name} did not restore within {ASSIGNED:?} of its start"));
    }
    let joined = hall.join(fault.stage);
    if !hall.processes[joined].saw("partition restored", LONG) {
        return Err(format!("{} joined and was given no partition", hall.processes[joined].name()));
    }
    std::thread::sleep(fault.hold);
    Ok(hit)
}

/// Kills the victim, takes its state away and starts it again.
fn kill_and_forget(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Hit, String> {
    aim_at(hall, fault, victim);
    hall.processes[victim].kill();
    let hit = hit(hall, victim);
    let process = &mut hall.processes[victim];
    let folder = process.state_folder();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{} stays: {error}", folder.display()))?;
    }
    process.start();
    Ok(hit)
}
