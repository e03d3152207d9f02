//! The runtime's worker on the embedded log, crashed at every step it makes.

mod books;
mod counting;
mod pool;
mod recovered;
mod restored;
mod supervised;

use embedded::{CrashPlan, crash_points};
use runtime::MembershipKind;
use supervised::{CALM, Grouping, Seen, Setup, Supervised, prepare};

fn expected() -> Seen {
    [
        vec!["a 1 1", "a 2 2", "b 1 3", "a 3 5", "b 2 4"],
        vec!["a=3", "b=2"],
        vec!["x 1 1", "x 2 2", "x 3 3", "y 1 4"],
        vec!["x=3", "y=1"],
    ]
    .map(|list| list.into_iter().map(str::to_owned).collect())
    .to_vec()
}

fn check_crash_points(setup: Setup) {
    let mut wrong = Vec::new();
    let points = crash_points(
        prepare,
        |log| Supervised::new(log, setup).run(),
        |point, undisturbed, disturbed| {
            assert_eq!(*undisturbed, Ok(expected()));
            if disturbed != Ok(expected()) {
                wrong.push(format!("{point}: {disturbed:?}"));
            }
        },
    );
    assert!(wrong.is_empty(), "{} of {points} crash points, {setup:?}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(points > 200, "{points} crash points are too few to be all");
}

#[test]
fn a_static_member_survives_every_crash_point() {
    check_crash_points(CALM);
}

#[test]
fn a_leaving_member_survives_every_crash_point() {
    check_crash_points(Setup { membership: MembershipKind::Leaving, ..CALM });
}

#[test]
fn two_workers_survive_every_crash_point() {
    check_crash_points(Setup { workers: 2, ..CALM });
}

#[test]
fn rebalances_and_crash_points() {
    for every in [3, 4, 5, 7] {
        check_crash_points(Setup { workers: 2, group: Grouping::Rebalanced { every }, ..CALM });
    }
}

#[test]
fn lost_partitions_and_crash_points() {
    for every in [3, 8] {
        check_crash_points(Setup { group: Grouping::Expelled { every }, ..CALM });
    }
}

#[test]
fn it_survives_faults_during_the_recovery_from_faults() {
    let mut wrong = Vec::new();
    for seed in 0..300 {
        let log = prepare();
        log.plan(CrashPlan::drawn(seed, 40));
        let seen = Supervised::new(&log, CALM).run();
        if seen != Ok(expected()) {
            wrong.push(format!("seed {seed}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} seeds:\n{}", wrong.len(), wrong.join("\n"));
}
