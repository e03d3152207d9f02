//! The independent oracle, which shares no code with the product: it agrees with a trail that went through duplicates, poison,
//! replays and a kill, it sees one record too many, and it passes the tests of its own rules.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use catalog::Topic;
use testkit::{Product, Raw, Signal, wait_until};
use tests::trail::{LONG, REPLAY_MENDED, Site, generated, raw};

const ACTIONS: u64 = 20_000;

#[test]
fn the_oracle_agrees_with_the_trail_and_sees_an_event_too_many() {
    if !there_is_an_oracle() {
        return;
    }
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(ACTIONS, 41).map(raw);
    let run = || site.run("one", &["--set", "normalizer.commit_interval=1s"]);
    let mut process = run();
    let events = site.watch(Topic::Events);
    site.send(actions.by_ref().take(8000));
    wait_until(LONG, "records of an open transaction", || events.written() > 500);
    process.kill();
    let mut process = run();
    site.send(actions);
    site.await_caught_up(&mut [&mut process]);
    let replayed = site.done(&REPLAY_MENDED);
    assert!(!replayed.err.contains("0 replayed"), "{}", replayed.err);
    site.await_caught_up(&mut [&mut process]);
    end(process);

    let judged = oracle(&["--bootstrap-servers", site.kafka.bootstrap()]);
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{}:\n{said}{}", judged.status, String::from_utf8_lossy(&judged.stderr));
    assert!(said.contains("\nthe trail is what it must be ("), "{said}");

    let event = site.kafka.read(&Topic::Events.name()).pop().expect("there are events");
    let copy = Raw::to(&Topic::Events.name())
        .partition(event.partition)
        .timestamp_ms(event.timestamp_ms.expect("it has one"))
        .key(event.key.expect("it has one"))
        .value(event.value.expect("it has one"));
    let headers = event.headers.into_iter().map(|(name, value)| (name, value.expect("it has one")));
    site.kafka.produce([headers.fold(copy, |copy, (name, value)| copy.header(&name, value))]);
    let judged = oracle(&["--bootstrap-servers", site.kafka.bootstrap()]);
    let said = String::from_utf8_lossy(&judged.stdout);
    assert_eq!(judged.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&judged.stderr));
    assert!(said.contains("\ndoubled: lms.audit.events.v1 partition"), "{said}");
}

#[test]
fn the_oracle_passes_the_tests_of_its_own_rules() {
    if !there_is_an_oracle() {
        return;
    }
    let tested = oracle(&["--self-test"]);
    let said = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success() && said.contains("\nOK"), "{}:\n{said}", tested.status);
}

fn end(mut process: Product) {
    process.signal(Signal::Term);
    assert!(process.wait(LONG).success(), "{}", process.stderr());
}

fn oracle(args: &[&str]) -> Output {
    let run = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/run"));
    Command::new(&run)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", run.display()))
}

/// Whether the oracle can be had here; where not, that is said aloud, and with `CI` set it fails.
///
/// # Panics
/// Where it cannot be had and `CI` is set.
fn there_is_an_oracle() -> bool {
    static PREPARED: OnceLock<Result<(), String>> = OnceLock::new();
    let prepare = || {
        let prepared = oracle(&["--prepare"]);
        let said = String::from_utf8_lossy(&prepared.stderr).trim_end().to_owned();
        if prepared.status.success() { Ok(()) } else { Err(said) }
    };
    match PREPARED.get_or_init(prepare) {
        Ok(()) => true,
        Err(why) if std::env::var_os("CI").is_some() => {
            panic!("this test needs Python and PyPI, and CI is set: {why}")
        }
        Err(why) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            // Past the test harness, which would keep what a passing test prints by macro to itself.
            let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {test} needs Python and PyPI: {why}");
            false
        }
    }
}
