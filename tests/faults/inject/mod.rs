//! The faults themselves: each is injected, lasts, and is healed before its function returns. The victim, where there is one, is
//! chosen among the processes of the fault's stage.

mod brokers;
mod network;
mod processes;
mod restore;
mod state;

use std::time::{Duration, Instant, SystemTime};

use super::evidence::{Act, Evidence};
use super::hall::Hall;
use super::kind::Kind;
use super::schedule::{Aim, Fault};
use super::stage::StageName;
use crate::trail::LONG;

/// How long an open transaction is waited for; with input flowing one opens several times within this.
const AIMING: Duration = Duration::from_secs(5);
/// The same for one that is being committed: its interval comes on top.
const AIMING_AT_COMMIT: Duration = Duration::from_secs(10);

/// Injects one fault and heals it; returns what shows that it acted.
///
/// # Errors
/// What the victim did that it must not.
pub fn inject(hall: &mut Hall, fault: &Fault) -> Result<Evidence, String> {
    std::thread::sleep(fault.pause);
    if fault.kind == Kind::RebalanceInRestore && hall.make_room(fault.stage) {
        // A victim that leaves again for the sake of the joiner would restore nothing.
        hall.await_recovery(LONG)?;
    }
    let victim = hall.victim(fault.stage, fault.choice);
    match fault.kind {
        Kind::Sigkill => processes::kill(hall, fault, victim),
        Kind::Zombie => processes::zombie(hall, fault, victim),
        Kind::Sigterm => processes::terminate(hall, fault, victim),
        Kind::Join => processes::join(hall, fault),
        Kind::Leave => processes::leave(hall, fault),
        Kind::BrokerKill => brokers::kill(hall, fault),
        Kind::LeaderMove => brokers::move_leaders(hall, fault),
        Kind::CoordinatorMove => brokers::move_coordinators(hall, fault, victim),
        Kind::NetDelay => network::delay(hall, fault),
        Kind::NetCut => network::cut(hall, fault),
        Kind::NetHalfOpen => network::half_open(hall, fault),
        Kind::NetReset => network::reset(hall, fault),
        Kind::EndTxnDelay => network::delay_end_txn(hall, fault),
        Kind::EndTxnDuplicate => network::duplicate_end_txn(hall, fault),
        Kind::KillInRestore => restore::kill(hall, fault, victim),
        Kind::RebalanceInRestore => restore::rebalance(hall, fault, victim),
        Kind::DiskWriteFails => state::fail_writes(hall, fault, victim),
        Kind::DamagedState => state::damage(hall, fault, victim),
        Kind::PoisonFlood => Ok(flood(hall, fault)),
        Kind::MaxPollExceeded => processes::stall(hall, fault, victim),
        Kind::OffsetsDeleted => processes::forget_offsets(hall, fault, victim),
    }
}

/// So many records that cannot be recorded as the fault's length has milliseconds, times four.
fn flood(hall: &Hall, fault: &Fault) -> Evidence {
    aim_at_any(hall, fault);
    let written = hall.dead_letters();
    let millis = usize::try_from(fault.hold.as_millis()).expect("a hold is short");
    let from = SystemTime::now();
    hall.input.flood(4 * millis, u64::try_from(fault.number).expect("few"));
    std::thread::sleep(fault.hold);
    let acts = Act::during(hall.logs(Some(StageName::Normalizer)), from, SystemTime::now());
    let flooded = i64::try_from(4 * millis).expect("few");
    Evidence::later(acts, move |hall| {
        ask(LONG, || (hall.dead_letters() >= written + flooded).then_some(())).is_some()
    })
}

/// Waits for an open transaction of this process where the fault wants one.
fn aim_at(hall: &Hall, fault: &Fault, victim: usize) {
    match fault.aim {
        Aim::Commit => aim_at_commit(hall, fault, victim),
        _ => aim(fault, || hall.processes[victim].said().open_since().is_some()),
    }
}

/// Waits until this process commits its transaction: rows are sent then, after them offsets, after them the transaction ends.
/// How far it is within that is a matter of milliseconds, and of the fault's choice.
fn aim_at_commit(hall: &Hall, fault: &Fault, victim: usize) {
    let within = Duration::from_millis(u64::try_from(fault.choice).expect("small") % 40);
    let began = Instant::now();
    while began.elapsed() < AIMING_AT_COMMIT {
        let due = hall.processes[victim].commit_due().map(|due| due + within);
        // One that is due already is missed, and waited for no longer.
        if let Some(Ok(left)) = due.map(|due| due.duration_since(SystemTime::now())) {
            std::thread::sleep(left);
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for any process.
fn aim_at_any(hall: &Hall, fault: &Fault) {
    aim(fault, || hall.any_open_transaction());
}

fn aim(fault: &Fault, open: impl Fn() -> bool) {
    let began = Instant::now();
    while fault.aim != Aim::AnyTime && began.elapsed() < AIMING && !open() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks until there is an answer, for so long.
fn ask<T>(limit: Duration, answer: impl Fn() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        let found = answer();
        if found.is_some() || began.elapsed() > limit {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Kills the victim. Dead, it can say no more: a transaction without an end was open.
fn kill(hall: &mut Hall, victim: usize) -> Vec<Act> {
    let log = hall.processes[victim].log_of_this_life();
    hall.processes[victim].kill();
    Act::at(vec![log], SystemTime::now())
}
