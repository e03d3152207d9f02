//! Two short runs of the fault campaign, each with one seed: what `make faults` does with many. Faults that need failpoints are
//! left to it.

use std::sync::Mutex;

use clap::Parser as _;
use testkit::Product;
use tests::faults::{Hit, Kind, Options, Report, Schedule, run};

/// One run at a time: a machine of two cores is busy with one cluster and four processes.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn on_one_node_seven_kinds_of_faults_lose_nothing_and_double_nothing() {
    let kinds = [
        Kind::Sigkill,
        Kind::Zombie,
        Kind::Join,
        Kind::NetReset,
        Kind::EndTxnDuplicate,
        Kind::KillInRestore,
        Kind::DamagedState,
    ];
    judge("1", 11, &kinds);
}

#[test]
fn on_three_nodes_brokers_that_die_or_hand_over_lose_nothing_and_double_nothing() {
    judge("3", 12, &[Kind::BrokerKill, Kind::LeaderMove, Kind::CoordinatorMove, Kind::NetHalfOpen]);
}

/// One fault of each kind.
fn judge(nodes: &str, seed: u64, kinds: &[Kind]) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/campaign-slice");
    // Without PyPI there is no oracle; on a machine that must have everything that is a failure.
    let judge = if std::env::var_os("CI").is_some() { "oracle" } else { "oracle-or-in-process" };
    let (seed_text, faults) = (seed.to_string(), kinds.len().to_string());
    let options = Options::parse_from([
        "faults",
        "--seed",
        &seed_text,
        "--nodes",
        nodes,
        "--kinds",
        &names.join(","),
        "--faults",
        &faults,
        "--records",
        "20000",
        "--bound",
        "recovery=60s,failover=40s",
        "--judge",
        judge,
        "--folder",
        folder,
    ]);
    let schedule = Schedule::of(seed, &options.plan());
    say(&schedule.to_string());
    let Some(done) = run(&schedule, &options, Product::binary(), &say) else { return };
    let report = Report { runs: vec![done] };
    let problems = report.problems();
    assert!(problems.is_empty(), "{}\nlogs: {folder}/{seed}", report.table());
    let done = &report.runs[0];
    // Also of a green run: who judged it, where it was not the oracle.
    let remarks = done.verdict.iter().flat_map(|verdict| &verdict.remarks);
    remarks.for_each(|remark| say(remark));
    let effective = done.faults.iter().filter(|fault| fault.hit != Hit::NoEffect).count();
    assert_eq!(effective, kinds.len(), "every fault was injected");
    assert!(
        done.records >= 20_000
            && done.faults.iter().all(|fault| fault.hit == Hit::NoEffect || fault.input > 0),
        "{done:?}"
    );
}

/// Into the test's output.
#[allow(clippy::print_stderr, reason = "a test that fails shows how far it came")]
fn say(text: &str) {
    eprintln!("{text}");
}
