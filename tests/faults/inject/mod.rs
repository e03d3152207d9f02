//! The faults themselves: each is injected, lasts, and is healed before its function returns. The victim, where there is one, is
//! chosen among the processes of the fault's stage.

mod brokers;
mod network;
mod processes;
mod restore;
mod state;

use std::time::{Duration, Instant, SystemTime};

use super::hall::Hall;
use super::kind::Kind;
use super::schedule::{Aim, Fault};

/// How long an open transaction is waited for; with input flowing one opens several times within this.
const AIMING: Duration = Duration::from_secs(5);
/// The same for one that is being committed: its interval comes on top.
const AIMING_AT_COMMIT: Duration = Duration::from_secs(10);

/// Whether a fault hit an open transaction: of its victim, or of any process where it befalls all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A transaction was open.
    Open,
    /// None was.
    Closed,
}

/// Injects one fault and heals it.
///
/// # Errors
/// What the victim did that it must not.
pub fn inject(hall: &mut Hall, fault: &Fault) -> Result<Hit, String> {
    std::thread::sleep(fault.pause);
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
fn flood(hall: &Hall, fault: &Fault) -> Hit {
    let hit = aim_at_any(hall, fault);
    let millis = usize::try_from(fault.hold.as_millis()).expect("a hold is short");
    hall.input.flood(4 * millis, u64::try_from(fault.number).expect("few"));
    std::thread::sleep(fault.hold);
    hit
}

/// Waits for an open transaction of this process where the fault wants one; says whether one is open.
fn aim_at(hall: &Hall, fault: &Fault, victim: usize) -> Hit {
    if fault.aim == Aim::Commit {
        return aim_at_commit(hall, fault, victim);
    }
    aim(fault, || hall.processes[victim].has_open_transaction())
}

/// Waits until this process commits its transaction: rows are sent then, after them offsets, after them the transaction ends.
/// How far it is within that is a matter of milliseconds, and of the fault's choice.
fn aim_at_commit(hall: &Hall, fault: &Fault, victim: usize) -> Hit {
    let within = Duration::from_millis(u64::try_from(fault.choice).expect("small") % 40);
    let began = Instant::now();
    while began.elapsed() < AIMING_AT_COMMIT {
        let due = hall.processes[victim].commit_due().map(|due| due + within);
        // One that is due already is missed, and waited for no longer.
        if let Some(Ok(left)) = due.map(|due| due.duration_since(SystemTime::now())) {
            std::thread::sleep(left);
            return Hit::Open;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Hit::Closed
}

/// The same for any process.
fn aim_at_any(hall: &Hall, fault: &Fault) -> Hit {
    aim(fault, || hall.any_open_transaction())
}

fn aim(fault: &Fault, open: impl Fn() -> bool) -> Hit {
    let began = Instant::now();
    loop {
        if open() {
            return Hit::Open;
        }
        if fault.aim == Aim::AnyTime || began.elapsed() > AIMING {
            return Hit::Closed;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the log of a victim says now that it can say no more.
fn hit(hall: &Hall, victim: usize) -> Hit {
    if hall.processes[victim].has_open_transaction() { Hit::Open } else { Hit::Closed }
}
