//! A short run of the fault campaign with one seed: what `make faults` does with many. Faults that need failpoints are left to it,
//! as is a cluster of three nodes.

use clap::Parser as _;
use testkit::Product;
use tests::faults::{Kind, Options, Report, Schedule, run};

const KINDS: [Kind; 8] = [
    Kind::Sigkill,
    Kind::Zombie,
    Kind::Join,
    Kind::BrokerKill,
    Kind::NetReset,
    Kind::EndTxnDuplicate,
    Kind::KillInRestore,
    Kind::DamagedState,
];

#[test]
fn one_seed_of_eight_kinds_loses_nothing_and_doubles_nothing() {
    let kinds = KINDS.map(Kind::name).join(",");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/campaign-slice");
    // Without PyPI there is no oracle; on a machine that must have everything that is a failure.
    let judge = if std::env::var_os("CI").is_some() { "oracle" } else { "oracle-or-in-process" };
    let options = Options::parse_from([
        "faults",
        "--seed",
        "11",
        "--nodes",
        "1",
        "--kinds",
        &kinds,
        "--faults",
        "8",
        "--records",
        "20000",
        "--bound",
        "recovery=60s",
        "--judge",
        judge,
        "--folder",
        folder,
    ]);
    let schedule = Schedule::of(options.seed, &options.plan());
    eprintln!("{schedule}");
    let Some(done) = run(&schedule, &options, Product::binary(), &|text| eprintln!("{text}")) else { return };
    let report = Report { runs: vec![done] };
    let problems = report.problems();
    assert!(problems.is_empty(), "{}\nlogs: {folder}/11", report.table());
    let faults = &report.runs[0].faults;
    assert_eq!(faults.len(), KINDS.len(), "every fault was injected");
    assert!(report.runs[0].records >= 20_000 && faults.iter().all(|fault| fault.input > 0), "{faults:?}");
}
