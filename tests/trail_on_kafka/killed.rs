//! kill -9 in the middle of transactions: the committed outputs are those of a run that nobody disturbed.

use catalog::{Category, Topic, View};
use testkit::{Product, wait_until};
use tests::trail::{Chance, LONG, Site, generated, judge, raw};

/// Rows come at every commit of the aggregator.
const ROWS: Topic = Topic::Report(Category::UserProgress, View::Activity);

#[test]
fn killed_processes_lose_nothing_and_double_nothing() {
    const ROUNDS: usize = 6;
    let Some(site) = Site::fresh() else { return };
    let mut chance = Chance::of_run();
    let mut actions = generated(6000, 7).map(raw);
    let mut processes = [normalizer(&site), aggregator(&site)];
    let (events, rows) = (site.watch(Topic::Events), site.watch(ROWS));
    // The aggregator writes only at the end of its transactions, so a kill may come too late.
    let hit = || site.aborted(Topic::Events) > 0 && site.aborted(ROWS) > 0;
    for round in 0.. {
        if round >= ROUNDS && hit() {
            break;
        }
        assert!(round < 4 * ROUNDS, "no kill hit an open transaction, so nothing was tested");
        // Every other time there is committed state to be restored; else kills come before any commit.
        if round % 2 == 1 {
            let [normalizer, aggregator] = &mut processes;
            site.await_caught_up(&mut [normalizer, aggregator]);
        }
        let victim = if round < ROUNDS { chance.between(0, 3) } else { 1 };
        let watched = if victim == 1 { &rows } else { &events };
        let before = watched.written();
        site.send(actions.by_ref().take(chance.between(100, 400)));
        // Uncommitted records of the victim lie in the log: its transaction is open.
        let more = i64::try_from(chance.between(1, 60)).expect("small");
        wait_until(LONG, "records of an open transaction", || watched.written() >= before + more);
        match victim {
            0 => processes[0].kill(),
            1 => processes[1].kill(),
            _ => processes.iter_mut().for_each(Product::kill),
        }
        site.send(actions.by_ref().take(chance.between(1, 200)));
        match victim {
            0 => processes[0] = normalizer(&site),
            1 => processes[1] = aggregator(&site),
            _ => processes = [normalizer(&site), aggregator(&site)],
        }
    }
    site.send(actions);
    let [normalizer, aggregator] = &mut processes;
    site.await_caught_up(&mut [normalizer, aggregator]);
    let account = judge(&site);
    assert!(account.recorded > 4000, "{account:?}");
}

fn normalizer(site: &Site) -> Product {
    site.run("n", &["--stage", "normalizer", "--set", "normalizer.commit_interval=1s"])
}

fn aggregator(site: &Site) -> Product {
    site.run("a", &["--stage", "aggregator", "--set", "aggregator.commit_interval=2s"])
}
