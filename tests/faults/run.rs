//! One run: a hall is built, the schedule carried out fault by fault, everything healed, the input ended, and a judge asked.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::evidence::{Evidence, Hit};
use super::hall::{Ground, Hall};
use super::inject::inject;
use super::options::{Bounds, Options};
use super::schedule::{Fault, Schedule};
use super::verdict::{Verdict, decide};

/// Longer than the bound: so that the report says how long it took, where it took too long.
const PATIENCE: u32 = 4;
/// The backlog of a run that was disturbed to its end, and a transaction that nobody ends but its timeout.
const CATCH_UP: Duration = Duration::from_secs(300);
/// So many more of its kind are tried in the place of a fault without effect.
const AGAIN: usize = 3;
/// Input is counted over this at least, where a fault is shorter.
const WHILE_INPUT_FLOWS: Duration = Duration::from_secs(1);

/// A fault that was carried out.
#[derive(Clone, Debug)]
pub struct FaultDone {
    /// What was done.
    pub fault: Fault,
    /// Whether it acted, and on an open transaction.
    pub hit: Hit,
    /// From the fault's end until every partition moved on; None where that was not waited for to the end.
    pub recovery: Option<Duration>,
    /// From the death of one of three brokers until every partition had moved on twice while it was down.
    pub failover: Option<Duration>,
    /// Records that were sent from when it began to act until it was healed.
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
    /// How many had to be.
    pub least: u64,
    /// Whether it is part of a whole campaign, which must do enough of everything.
    pub whole: bool,
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
    let mut done = Done {
        seed: schedule.seed,
        nodes: schedule.nodes.count(),
        least: options.records,
        whole: options.whole(),
        ..Done::default()
    };
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
    let first = hall.await_recovery(options.bound.recovery * PATIENCE);
    let first = first.map_err(|problem| format!("at the start: {problem}"))?;
    tell(&format!("  both stages at work after {:.1} s", first.as_secs_f64()));
    let mut waiting: VecDeque<_> = schedule.faults.iter().map(|fault| (fault.clone(), 0)).collect();
    let mut last = waiting.len();
    while let Some((fault, tried)) = waiting.pop_front() {
        hall.look_after()?;
        let (one, recovered) = disturb_once(hall, &fault, options);
        tell(&line(&one, schedule.faults.len()));
        let whose = format!("fault {}, {}", fault.number, fault.kind);
        hall.problems.extend(beyond(&one, options.bound).into_iter().map(|what| format!("{whose}: {what}")));
        if one.hit == Hit::NoEffect && tried < AGAIN {
            last += 1;
            waiting.push_back((schedule.again(fault.kind, last), tried + 1));
        } else if one.hit == Hit::NoEffect {
            hall.problems.push(format!("{whose}: without effect, as were {AGAIN} before it"));
        }
        done.faults.push(one);
        recovered.map_err(|problem| format!("{whose}: {problem}"))?;
    }
    Ok(())
}

/// Injects one fault, waits until the trail has recovered, and weighs what the logs say of it then. Where it does not recover,
/// why.
fn disturb_once(hall: &mut Hall, fault: &Fault, options: &Options) -> (FaultDone, Result<(), String>) {
    let evidence = inject(hall, fault).unwrap_or_else(|problem| {
        hall.problems.push(format!("fault {}, {}: {problem}", fault.number, fault.kind));
        Evidence::none()
    });
    let healed = SystemTime::now();
    let recovered = hall.await_recovery(options.bound.recovery * PATIENCE);
    let sent = |began| hall.input.sent_between(began, healed.max(began + WHILE_INPUT_FLOWS));
    let done = FaultDone {
        fault: fault.clone(),
        hit: evidence.weigh(hall),
        recovery: recovered.as_ref().ok().copied(),
        failover: evidence.failover,
        input: evidence.began().map_or(0, sent),
    };
    (done, recovered.map(|_| ()))
}

/// What of it went beyond a bound.
fn beyond(done: &FaultDone, bounds: Bounds) -> Vec<String> {
    let mut beyond = Vec::new();
    let times = [("recovery", done.recovery, bounds.recovery), ("failover", done.failover, bounds.failover)];
    for (what, took, bound) in times {
        if let Some(took) = took.filter(|took| *took > bound) {
            let (took, bound) = (took.as_secs_f64(), bound.as_secs());
            beyond.push(format!("{what} took {took:.1} s, the bound is {bound} s"));
        }
    }
    if done.hit != Hit::NoEffect && done.input == 0 {
        beyond.push("no input flowed".into());
    }
    beyond
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

fn line(done: &FaultDone, of: usize) -> String {
    let time = |took: Duration| format!("{:.1} s", took.as_secs_f64());
    let recovery =
        done.recovery.map_or("not recovered".into(), |took| format!("recovered in {}", time(took)));
    let failover =
        done.failover.map_or(String::new(), |took| format!(", without the broker in {}", time(took)));
    let hit = match done.hit {
        Hit::Open => "in an open transaction",
        Hit::Closed => "outside",
        Hit::NoEffect => "without effect",
    };
    let Fault { number, kind, stage, hold, .. } = &done.fault;
    format!("  {number:3}/{of} {kind:<20} {stage:<10} {hold:>6.1?} {hit:<22} {recovery}{failover}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::kind::Kind;
    use crate::faults::schedule::{NodesChoice, Plan};

    #[test]
    fn each_bound_and_missing_input_is_told() {
        let plan = Plan { nodes: NodesChoice::Three, kinds: vec![Kind::BrokerKill], faults: 1 };
        let fault = Schedule::of(1, &plan).faults.remove(0);
        let bounds = Bounds::default();
        let (recovery, failover) = (Some(bounds.recovery), Some(bounds.failover));
        let good = FaultDone { fault, hit: Hit::Open, recovery, failover, input: 1 };
        assert_eq!(beyond(&good, bounds), Vec::<String>::new());
        let more = |time: Duration| Some(time + Duration::from_secs(1));
        let slow =
            FaultDone { recovery: more(bounds.recovery), failover: more(bounds.failover), ..good.clone() };
        assert_eq!(
            beyond(&slow, bounds),
            ["recovery took 46.0 s, the bound is 45 s", "failover took 31.0 s, the bound is 30 s"]
        );
        assert_eq!(beyond(&FaultDone { input: 0, ..good.clone() }, bounds), ["no input flowed"]);
        assert!(beyond(&FaultDone { hit: Hit::NoEffect, input: 0, ..good }, bounds).is_empty());
    }
}
