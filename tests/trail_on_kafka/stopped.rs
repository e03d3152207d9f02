//! SIGTERM: what is open is committed, the process ends with 0 soon, and the next start goes on.

use std::time::{Duration, Instant};

use catalog::Topic;
use testkit::{Signal, wait_until};
use tests::trail::{LONG, Site, generated, judge, raw};

#[test]
fn sigterm_commits_what_is_open_and_the_next_start_goes_on() {
    let Some(site) = Site::fresh() else { return };
    let events = site.watch(Topic::Events);
    let mut actions = generated(2400, 41).map(raw);
    for signal in [Signal::Term, Signal::Interrupt, Signal::Term] {
        // Longer than the process may take to end: only the end can have committed.
        let mut running = site.run("one", &["--set", "normalizer.commit_interval=12s"]);
        running.await_log(LONG, "partition restored stage=\"normalizer\"");
        let (before, committed) = (events.written(), site.kafka.read(&Topic::Events.name()).len());
        site.send(actions.by_ref().take(700));
        wait_until(LONG, "uncommitted events", || events.written() > before + 50);
        assert_eq!(site.kafka.read(&Topic::Events.name()).len(), committed, "nothing is committed yet");
        let asked = Instant::now();
        running.signal(signal);
        let status = running.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(0), "{}", running.stderr());
        assert!(asked.elapsed() < Duration::from_secs(8), "it took {:?} to end", asked.elapsed());
        assert!(running.stderr().contains("every worker has committed and ended"), "{}", running.stderr());
        let now = site.kafka.read(&Topic::Events.name()).len();
        assert!(now > committed + 50, "{committed} events were committed before, {now} now");
        assert_eq!(site.aborted(Topic::Events), 0, "what was open was committed, not given up");
    }
    let mut running = site.run("one", &[]);
    site.send(actions);
    site.await_caught_up(&mut [&mut running]);
    let account = judge(&site);
    assert!(account.recorded > 2000, "{account:?}");
}
