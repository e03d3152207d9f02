//! Brokers that do not answer for longer than any call is made again: processes wait, within their memory, and go on by
//! themselves; so does one that starts meanwhile.

use std::time::Duration;

use catalog::Topic;
use testkit::{Product, wait_until};
use tests::trail::{LONG, Site, generated, judge, raw};

/// A transactional call is made again for 60 s.
const OVER_PATIENCE: Duration = Duration::from_secs(240);
/// A debug build with state in memory and next to no rows takes some 50.
const MOST_MIB: u64 = 192;

#[test]
fn an_outage_longer_than_any_patience_is_waited_out_and_so_is_a_start_in_it() {
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(3000, 43).map(raw);
    let mut normalizer = site.run("n", &["--stage", "normalizer", "--set", "normalizer.commit_interval=3s"]);
    let mut aggregator = site.run("a", &["--stage", "aggregator"]);
    site.send(actions.by_ref().take(1000));
    site.await_caught_up(&mut [&mut normalizer, &mut aggregator]);
    let events = site.watch(Topic::Events);
    let before = events.written();
    site.send(actions.by_ref().take(1000));
    wait_until(LONG, "records of an open transaction", || events.written() > before + 50);
    site.kafka.freeze();
    let mut late = site.run("late", &["--stage", "normalizer"]);
    normalizer.await_log(OVER_PATIENCE, "a pass of the loop failed");
    late.await_log(LONG, "waiting for a broker");
    for process in [&mut normalizer, &mut aggregator, &mut late] {
        assert!(process.is_running(), "a process did not wait:\n{}", process.stderr());
        let peak = peak_mib(process);
        assert!(peak < MOST_MIB, "{peak} MiB were taken:\n{}", process.stderr());
    }
    site.kafka.thaw();
    site.send(actions);
    site.await_caught_up(&mut [&mut normalizer, &mut aggregator, &mut late]);
    let account = judge(&site);
    assert!(account.recorded > 2000, "{account:?}");
}

/// The greatest resident set so far.
fn peak_mib(process: &Product) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    peak.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number of kB") >> 10
}
