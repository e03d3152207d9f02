//! What a worker does about a failure: how much is rebuilt, and when a person is asked.

use std::path::Path;
use std::sync::Arc;

use embedded::{CrashPlan, Effect, Fault, LogRecord, Step};
use runtime::{Audience, MembershipKind, Remedy, Stop, Unobserved, Worker};
use stage::{Millis, Partition};

use super::counting::{Counting, TROUBLED, Trouble};
use super::expected;
use super::supervised::{CALM, Supervised, config, metrics, prepare};

#[test]
fn rebuilding_that_does_not_help_ends_and_says_what_to_do() {
    let log = prepare();
    let record = LogRecord::new(Millis::new(0), TROUBLED.as_bytes(), b"1");
    log.append("input", Partition::new(1), record).expect("the topic is there");
    let audience = Audience { metrics: metrics().1, observer: Arc::new(Unobserved) };
    let factory = Arc::new(Counting::with(Trouble::Distrust));
    let mut worker = Worker::new(log, factory, config(7, MembershipKind::Static, 2), audience);
    // Told to stop, it does not sleep between two tries.
    let stop = Stop::default();
    stop.set();
    let mut rebuilt = 0;
    let ended = loop {
        let Err(failure) = worker.pass(&stop) else { continue };
        assert_eq!(failure.remedy(), Remedy::Rebuild, "{failure}");
        match worker.recover(failure, &stop) {
            Ok(()) => rebuilt += 1,
            Err(ended) => break ended,
        }
        assert!(rebuilt < 100, "it goes on for ever");
    };
    assert_eq!(rebuilt, 9);
    assert_eq!(ended.remedy(), Remedy::Stop);
    assert_eq!(
        ended.to_string(),
        "worker 7 of counting: input partition 1 offset 0: the counts are not to be trusted; rebuilt 10 times within 60 s: rebuilding does not help; mend what this names, as deploy/crash-loop.md says, and start again: nothing is lost meanwhile"
    );
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crash-loop.md");
    let page = std::fs::read_to_string(page).expect("the page that it names is there");
    assert!(page.contains("rebuilding does not help"), "the page begins with what was said");
}

/// Everything after which a transaction is tried again, at each step of one: state is what it was.
#[test]
fn an_abort_restores_nothing() {
    let run = |plan: CrashPlan| {
        let log = prepare();
        log.plan(plan);
        let run = Supervised::new(&log, CALM);
        assert_eq!(run.run(), Ok(expected()));
        (run.work(), log)
    };
    let (undisturbed, log) = run(CrashPlan::default());
    assert_eq!((undisturbed.made, undisturbed.restored), (2, 0), "each partition once, from empty topics");
    let (mut aborted, mut rebuilt) = (0, 0);
    for (number, step) in log.steps().into_iter().enumerate() {
        let fault = match step {
            Step::Send | Step::Commit => Fault::Abort,
            Step::Event | Step::Poll | Step::Membership | Step::Start => Fault::Retry,
            _ => continue,
        };
        let (work, log) = run(CrashPlan::at([(number, fault)]));
        assert_eq!(log.faults_occurred(), 1, "{fault:?} at step {number} ({step:?})");
        assert_eq!(work, undisturbed, "{fault:?} at step {number} ({step:?})");
        aborted += 1;
        if step == Step::Commit {
            let (work, _) = run(CrashPlan::at([(number, Fault::Rebuild(Effect::Without))]));
            assert_eq!(work.made, 4, "an unknown outcome at step {number} rebuilds");
            rebuilt += work.restored;
        }
    }
    assert!(aborted > 50 && rebuilt > 20, "{aborted} aborts, {rebuilt} records restored by rebuilds");
}
