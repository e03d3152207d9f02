//! Workers that come and go under load: nothing lost, nothing doubled, each tenant's events in the order of its actions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::Topic;
use codec::Codec;
use testkit::{Product, Signal, wait_until};
use tests::trail::{LONG, Outputs, Site, generated, judge, raw};

#[test]
fn workers_that_come_and_go_lose_nothing_and_keep_the_order() {
    let Some(site) = Site::fresh() else { return };
    let enough = AtomicBool::new(false);
    let mut rest = std::thread::scope(|scope| {
        // Actions come all the while, chunk after chunk.
        scope.spawn(|| {
            let mut actions = generated(20_000, 31).map(raw).peekable();
            while actions.peek().is_some() && !enough.load(Ordering::Relaxed) {
                site.send(actions.by_ref().take(50));
            }
        });
        let mut one = site.run("one", &["--leave"]);
        one.await_log(LONG, "partition restored");
        let mut two = site.run("two", &["--leave"]);
        two.await_log(LONG, "partition restored");
        let mut three = site.run("three", &["--leave"]);
        three.await_log(LONG, "partition restored");
        leave(one);
        let mut four = site.run("four", &["--leave", "--workers", "2"]);
        four.await_log(LONG, "partition restored");
        leave(two);
        enough.store(true, Ordering::Relaxed);
        [three, four]
    });
    let [three, four] = &mut rest;
    site.await_caught_up(&mut [three, four]);
    let account = judge(&site);
    assert!(account.recorded > 500, "{account:?}");
    in_order(&Outputs::of(&site));
    for product in rest {
        leave(product);
    }
}

/// KIP-345: a member that comes back under its name within the session gets what it had, and nobody else notices.
#[test]
fn a_process_that_restarts_under_its_name_moves_nothing_of_the_others() {
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(3000, 47).map(raw);
    let run = |name: &str| site.run(name, &["--stage", "normalizer"]);
    let (mut one, mut two) = (run("one"), run("two"));
    let mut aggregator = site.run("a", &["--stage", "aggregator"]);
    for process in [&mut one, &mut two] {
        process.await_log(LONG, "partition restored");
    }
    site.send(actions.by_ref().take(1000));
    site.await_caught_up(&mut [&mut one, &mut two, &mut aggregator]);
    let moves = |process: &Product| {
        let log = process.stderr();
        log.lines()
            .filter(|line| line.contains("partitions assigned") || line.contains("partitions revoked"))
            .count()
    };
    let before = moves(&two);
    assert!(before > 0);
    leave(one);
    let mut one = run("one");
    one.await_log(LONG, "partition restored");
    site.send(actions);
    site.await_caught_up(&mut [&mut one, &mut two, &mut aggregator]);
    assert_eq!(moves(&two), before, "{}", two.stderr());
    assert!(judge(&site).recorded > 2000);
}

/// Static membership again: of two processes of one name the group fences one, which ends and says so.
#[test]
fn of_two_processes_of_one_name_one_ends_and_says_what_to_do() {
    let Some(site) = Site::fresh() else { return };
    let run = || site.run("same", &["--stage", "normalizer"]);
    let mut one = run();
    one.await_log(LONG, "partition restored");
    let mut two = run();
    wait_until(LONG, "the end of one of them", || !one.is_running() || !two.is_running());
    let (mut ended, mut goes_on) = if two.is_running() { (one, two) } else { (two, one) };
    assert_eq!(ended.wait(LONG).code(), Some(1), "{}", ended.stderr());
    assert!(ended.stderr().contains("instance"), "{}", ended.stderr());
    let mut aggregator = site.run("a", &["--stage", "aggregator"]);
    site.send(generated(500, 48).map(raw));
    site.await_caught_up(&mut [&mut goes_on, &mut aggregator]);
    assert!(judge(&site).recorded > 300);
}

fn leave(mut product: Product) {
    product.signal(Signal::Term);
    let status = product.wait(LONG);
    assert!(status.success(), "{status}:\n{}", product.stderr());
}

fn in_order(outputs: &Outputs) {
    let decoder = Codec::single_object().decoder();
    let mut last: BTreeMap<String, (u32, i64)> = BTreeMap::new();
    for (partition, written) in outputs.stream(Topic::Events) {
        let event = decoder.event(written.value.as_deref().expect("a value")).expect("an event of ours");
        let tenant = event.action.tenant.as_str().to_owned();
        let (home, before) =
            last.insert(tenant.clone(), (partition, event.provenance.offset)).unwrap_or((partition, -1));
        assert_eq!(home, partition, "{tenant} lies in one partition");
        assert!(before < event.provenance.offset, "{tenant}: {before} before {}", event.provenance.offset);
    }
    assert!(last.len() > 5, "{last:?}");
}
