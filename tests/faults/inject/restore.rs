//! What befalls a process while it restores: its state was taken away, so that it has something to restore.

use std::time::{Duration, SystemTime};

use testkit::Signal;

use super::{aim_at, ask};
use crate::faults::evidence::{Act, Evidence};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::LONG;

/// What a process logs when it begins to restore.
const RESTORING: &str = "restoring";
/// A member that was killed is expelled after its session, 6 s; one that comes back before has its partitions at once.
const ASSIGNED: Duration = Duration::from_secs(30);
/// The others have learned by then, by their heartbeats every 3 s, that they must join again.
const LEARNED: Duration = Duration::from_millis(3200);
/// Shorter than a session: the frozen process stays a member.
const FROZEN: Duration = Duration::from_millis(5500);

pub(super) fn kill(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    let acts = kill_and_forget(hall, fault, victim)?;
    let process = &mut hall.processes[victim];
    let restored = process.saw(RESTORING, ASSIGNED);
    let log = process.log_of_this_life();
    process.kill();
    let in_restore = log.read().restores().iter().any(|restore| restore.until.is_none());
    std::thread::sleep(fault.hold);
    process.start();
    if !restored {
        return Err(format!("{} did not restore within {ASSIGNED:?} of its start", process.name()));
    }
    Ok(Evidence::seen(acts, in_restore))
}

/// The victim is frozen while it restores until another process has joined and the group waits for the victim alone: it is then
/// rebalanced as soon as the victim goes on.
pub(super) fn rebalance(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    let acts = kill_and_forget(hall, fault, victim)?;
    let name = hall.processes[victim].name();
    if !hall.processes[victim].saw(RESTORING, ASSIGNED) {
        return Err(format!("{name} did not restore within {ASSIGNED:?} of its start"));
    }
    hall.processes[victim].signal(Signal::Stop);
    let frozen = SystemTime::now();
    let joined = hall.join(fault.stage);
    let group = fault.stage.group();
    ask(FROZEN.saturating_sub(LEARNED), || hall.site.kafka.is_rebalancing(&group).then_some(()));
    let left = FROZEN.saturating_sub(frozen.elapsed().unwrap_or_default());
    std::thread::sleep(LEARNED.min(left));
    hall.processes[victim].signal(Signal::Continue);
    if !hall.processes[joined].saw("partition restored", LONG) {
        return Err(format!("{} joined and was given no partition", hall.processes[joined].name()));
    }
    std::thread::sleep(fault.hold);
    let (victim, all) = (hall.processes[victim].log_of_this_life(), hall.logs(Some(fault.stage)));
    Ok(Evidence::later(acts, move |_| {
        let restores = victim.read().restores();
        let mut changes = all.iter().flat_map(|log| log.read().rebalanced(frozen));
        changes.any(|change| restores.iter().any(|restore| restore.meets(change, change)))
    }))
}

/// Kills the victim, takes its state away and starts it again.
fn kill_and_forget(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Vec<Act>, String> {
    aim_at(hall, fault, victim);
    let acts = super::kill(hall, victim);
    let process = &mut hall.processes[victim];
    let folder = process.state_folder();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{} stays: {error}", folder.display()))?;
    }
    process.start();
    Ok(acts)
}
