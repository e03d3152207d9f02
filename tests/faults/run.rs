//! One run: a hall is built, the schedule carried out fault by fault, everything healed, the input ended, and a judge asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::hall::{Ground, Hall};
use super::inject::{Hit, inject};
use super::options::Options;
use super::schedule::{Fault, Schedule};
use super::verdict::{Verdict, decide};

/// Longer than the bound: so that the report says how long it took, where it took too long.
const PATIENCE: u32 = 4;
/// The backlog of a run that was disturbed to its end, and a transaction that nobody ends but its timeout.
const CATCH_UP: Duration = Duration::from_secs(300);

/// A fault that was injected.
#[derive(Clone, Debug)]
pub struct FaultDone {
    /// What was done.
    pub fault: Fault,
    /// Whether a transaction was open.
    pub hit: Hit,
    /// From the fault's end until every partition moved on; None where that was not waited for to the end.
    pub recovery: Option<Duration>,
    /// Records that were delivered from its beginning until the recovery.
    pub input: u64,
}

/// A run that was carried out, to its end or not.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Its seed.
    pub seed: u64,
    /// Its nodes.
    pub nodes: u32,
    /// Its faults.
    pub faults: Vec<FaultDone>,
    /// Records that were sent.
    pub records: u64,
    /// What the judge said; None where nobody was asked.
    pub verdict: Option<Verdict>,
    /// The most memory of any process, in KiB.
    pub memory: u64,
    /// What went wrong, whatever the judge says.
    pub problems: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// Carries out one schedule. None where there can be no Kafka, which has been said aloud. What goes wrong stands in the result:
/// the next seeds are still worth running.
#[must_use]
pub fn run(
    schedule: &Schedule,
    options: &Options,
    binary: &std::path::Path,
    tell: &dyn Fn(&str),
) -> Option<Done> {
    let began = Instant::now();
    let mut done = Done { seed: schedule.seed, nodes: schedule.nodes.count(), ..Done::default() };
    let folder = match fresh_folder(options, schedule.seed) {
        Ok(folder) => folder,
        Err(error) => {
            done.problems.push(error);
            return Some(done);
        }
    };
    let ground = Ground { binary, folder: &folder, rate: options.rate };
    let carried = catch_unwind(AssertUnwindSafe(|| {
        let mut hall = Hall::build(schedule, &ground)?;
        carry_out(&mut hall, schedule, options, &mut done, tell);
        Some(())
    }));
    match carried {
        Ok(None) => return None,
        Ok(Some(())) => {}
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            done.problems
                .push(format!("the run broke off: {}", words.chars().take(1000).collect::<String>()));
        }
    }
    done.took = began.elapsed();
    Some(done)
}

fn carry_out(hall: &mut Hall, schedule: &Schedule, options: &Options, done: &mut Done, tell: &dyn Fn(&str)) {
    let result =
        disturb(hall, schedule, options, done, tell).and_then(|()| settle(hall, options, done, tell));
    if let Err(problem) = result {
        tell(&format!("  {problem}"));
        hall.problems.push(problem);
    }
    done.problems.append(&mut hall.problems);
    done.memory = hall.memory.highest().values().copied().max().unwrap_or(0);
}

fn disturb(
    hall: &mut Hall,
    schedule: &Schedule,
    options: &Options,
    done: &mut Done,
    tell: &dyn Fn(&str),
) -> Result<(), String> {
    let patience = options.bound * PATIENCE;
    let first = hall.await_recovery(patience).map_err(|problem| format!("at the start: {problem}"))?;
    tell(&format!("  both stages at work after {:.1} s", first.as_secs_f64()));
    for fault in &schedule.faults {
        hall.look_after()?;
        let delivered = hall.input.delivered();
        let hit = inject(hall, fault).unwrap_or_else(|problem| {
            hall.problems.push(format!("fault {}, {}: {problem}", fault.number, fault.kind));
            Hit::Closed
        });
        let recovered = hall.await_recovery(patience);
        let input = hall.input.delivered() - delivered;
        let recovery = recovered.as_ref().ok().copied();
        tell(&line(fault, schedule.faults.len(), hit, recovery));
        done.faults.push(FaultDone { fault: fault.clone(), hit, recovery, input });
        if input == 0 {
            hall.problems.push(format!("fault {}, {}: no input flowed", fault.number, fault.kind));
        }
        match recovered {
            Ok(took) if took > options.bound => hall.problems.push(format!(
                "fault {}, {}: recovery took {:.1} s, the bound is {} s",
                fault.number,
                fault.kind,
                took.as_secs_f64(),
                options.bound.as_secs()
            )),
            Ok(_) => {}
            Err(problem) => return Err(format!("fault {}, {}: {problem}", fault.number, fault.kind)),
        }
    }
    Ok(())
}

fn settle(hall: &mut Hall, options: &Options, done: &mut Done, tell: &dyn Fn(&str)) -> Result<(), String> {
    done.records = hall.end_input(options.records, CATCH_UP);
    hall.await_caught_up(CATCH_UP)?;
    // What is written while a process ends belongs to the run.
    hall.close();
    let verdict = decide(hall, options.judge)?;
    tell(&format!(
        "  {} records, {} says: {} lost, {} doubled, {} out of order, {} differing",
        done.records, verdict.by, verdict.lost, verdict.doubled, verdict.out_of_order, verdict.differing
    ));
    done.verdict = Some(verdict);
    Ok(())
}

fn line(fault: &Fault, of: usize, hit: Hit, recovery: Option<Duration>) -> String {
    let recovery =
        recovery.map_or("not recovered".into(), |took| format!("recovered in {:.1} s", took.as_secs_f64()));
    let hit = if hit == Hit::Open { "in an open transaction" } else { "outside" };
    let Fault { number, kind, stage, hold, .. } = fault;
    format!("  {number:3}/{of} {kind:<20} {stage:<10} {hold:>6.1?} {hit:<22} {recovery}")
}

/// The run's folder, without what an earlier run of the same seed left there.
fn fresh_folder(options: &Options, seed: u64) -> Result<PathBuf, String> {
    let folder = std::path::absolute(options.folder.join(seed.to_string()))
        .map_err(|error| format!("{}: {error}", options.folder.display()))?;
    let made = match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(&folder),
    };
    made.map_err(|error| format!("the folder {} cannot be made anew: {error}", folder.display()))?;
    Ok(folder)
}
