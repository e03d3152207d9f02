//! Tests of the report: what is counted, and what makes it red.

use super::*;
use crate::faults::run::FaultDone;
use crate::faults::schedule::{Fault, NodesChoice, Plan, Schedule};
use crate::faults::verdict::Verdict;

fn run(verdict: Option<Verdict>) -> Done {
    let plan = Plan { nodes: NodesChoice::One, kinds: vec![Kind::Sigkill, Kind::Zombie], faults: 4 };
    let schedule = Schedule::of(5, &plan);
    let faults = schedule.faults.into_iter().map(|fault| {
        let hit = if fault.kind == Kind::Sigkill { Hit::Open } else { Hit::Closed };
        let recovery = Some(Duration::from_millis(1000 * u64::try_from(fault.number).expect("few")));
        FaultDone { fault, hit, recovery, failover: None, input: 9 }
    });
    Done {
        seed: 5,
        nodes: 1,
        faults: faults.collect(),
        records: 100,
        verdict,
        memory: 2048,
        ..Done::default()
    }
}

#[test]
fn kinds_are_counted_and_a_clean_run_is_green() {
    let report = Report { runs: vec![run(Some(Verdict::default()))] };
    assert_eq!(report.problems(), Vec::<String>::new());
    let json = report.json();
    assert_eq!(json["kinds"]["sigkill"]["injected"], 2);
    assert_eq!(json["kinds"]["sigkill"]["in_open_transaction"], 2);
    assert_eq!(json["kinds"]["zombie"]["in_open_transaction"], 0);
    assert_eq!((&json["injected"], &json["worst_recovery_ms"]), (&json!(4), &json!(4000)));
    assert!(report.table().contains("50 % in an open transaction") && report.table().ends_with("green\n"));
}

#[test]
fn a_loss_no_verdict_too_much_memory_and_a_problem_are_red() {
    let lost = run(Some(Verdict { lost: 1, ..Verdict::default() }));
    let fat = Done { memory: MOST_MEMORY + 1, ..run(Some(Verdict::default())) };
    let stuck = Done { problems: vec!["stuck".into()], ..run(Some(Verdict::default())) };
    for red in [lost, run(None), fat, stuck] {
        let report = Report { runs: vec![red] };
        assert_eq!(report.problems().len(), 1, "{:?}", report.problems());
        assert!(report.table().contains("red:"));
    }
}

#[test]
fn a_fault_without_effect_is_no_injected_one() {
    let mut one = run(Some(Verdict::default()));
    one.faults[0].hit = Hit::NoEffect;
    one.faults[1].failover = Some(Duration::from_millis(7500));
    let report = Report { runs: vec![one] };
    let json = report.json();
    assert_eq!((&json["injected"], &json["without_effect"]), (&json!(3), &json!(1)));
    assert_eq!(json["worst_failover_ms"], 7500);
    assert!(report.table().contains("while a broker was down: worst 7.5 s"), "{}", report.table());
}

#[test]
fn one_record_less_than_asked_for_is_red() {
    let carried = |records| Done { least: 100, records, ..run(Some(Verdict::default())) };
    let problems = |records| Report { runs: vec![carried(records)] }.problems();
    assert_eq!(problems(100), Vec::<String>::new());
    assert_eq!(problems(99), ["seed 5: it carried 99 records, 100 are due"]);
}

/// So many faults, dealt over 20 runs and all kinds in turn, the first of them in an open transaction.
fn whole(faults: usize, open: usize) -> Report {
    let plan = Plan { nodes: NodesChoice::Three, kinds: Kind::ALL.to_vec(), faults: 1 };
    let fault = Schedule::of(1, &plan).faults.remove(0);
    let clean = Done { whole: true, verdict: Some(Verdict::default()), ..Done::default() };
    let mut runs = vec![clean; WHOLE_FROM];
    for number in 0..faults {
        let kind = Kind::ALL[number % Kind::ALL.len()];
        let fault = Fault { kind, number, ..fault.clone() };
        let hit = if number < open { Hit::Open } else { Hit::Closed };
        let done = FaultDone { fault, hit, recovery: Some(Duration::ZERO), failover: None, input: 1 };
        runs[number % WHOLE_FROM].faults.push(done);
    }
    Report { runs }
}

#[test]
fn a_whole_campaign_with_one_fault_less_than_due_is_red() {
    assert_eq!(whole(500, 500).problems(), Vec::<String>::new());
    assert_eq!(whole(499, 499).problems(), ["499 faults were injected, 500 are due"]);
    let mut ineffective = whole(500, 500);
    ineffective.runs[0].faults[0].hit = Hit::NoEffect;
    assert_eq!(ineffective.problems(), ["499 faults were injected, 500 are due"]);
}

#[test]
fn a_whole_campaign_with_fourteen_of_a_kind_is_red() {
    let with = |zombies: usize| {
        let mut report = whole(600, 600);
        let mut left = zombies;
        for done in report.runs.iter_mut().flat_map(|run| &mut run.faults) {
            if done.fault.kind == Kind::Zombie {
                done.hit = if left > 0 { Hit::Open } else { Hit::NoEffect };
                left = left.saturating_sub(1);
            }
        }
        report.problems()
    };
    assert_eq!(with(15), Vec::<String>::new());
    assert_eq!(with(14), ["zombie was injected 14 times, 15 are due"]);
}

#[test]
fn a_whole_campaign_with_one_open_transaction_less_than_due_is_red() {
    assert_eq!(whole(500, 200).problems(), Vec::<String>::new());
    assert_eq!(whole(500, 199).problems(), ["199 of 500 faults hit an open transaction, 40 % are due"]);
}

#[test]
fn what_is_no_whole_campaign_is_not_held_to_its_bounds() {
    let mut part = whole(20, 0);
    part.runs[3].whole = false;
    assert_eq!(part.problems(), Vec::<String>::new());
    assert_eq!(Report { runs: whole(19, 0).runs.split_off(1) }.problems(), Vec::<String>::new());
}
