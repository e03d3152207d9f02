//! kill -9 in the middle of transactions: the committed outputs are those of a run that nobody disturbed.

use catalog::{Category, Topic, View};
use testkit::{Product, wait_until};
use tests::trail::{Chance, LONG, Outputs, Site, account, generated, raw, undisturbed};

/// Rows come at every commit of the aggregator.
const ROWS: Topic = Topic::Report(Category::UserProgress, View::Activity);
const ROUNDS: usize = 6;

#[test]
fn killed_processes_lose_nothing_and_double_nothing() {
    let t=std::time::Instant::now();let Some(site) = Site::fresh() else { return };eprintln!("fresh {:?}",t.elapsed());
    let mut chance = Chance::of_run();
    let mut actions = generated(5000, 7).map(raw);
    let mut processes = [normalizer(&site), aggregator(&site)];
    let events = site.watch(Topic::Events);
    let rows = site.watch(ROWS);
    for _ in 0..ROUNDS {
        let victim = chance.between(0, 3);
        let watched = if victim == 1 { &rows } else { &events };
        let before = watched.written();
        site.send(actions.by_ref().take(chance.between(100, 500)));
        // Uncommitted records of the victim lie in the log: its transaction is open.
        let more = i64::try_from(chance.between(1, 60)).expect("small");
        wait_until(LONG, "records of an open transaction", || watched.written() >= before + more);
        eprintln!("kill {victim} {:?}",t.elapsed());
        match victim {
            0 => processes[0].kill(),
            1 => processes[1].kill(),
            _ => processes.iter_mut().for_each(Product::kill),
        }
        site.send(actions.by_ref().take(chance.between(1, 300)));
        match victim {
            0 => processes[0] = normalizer(&site),
            1 => processes[1] = aggregator(&site),
            _ => processes = [normalizer(&site), aggregator(&site)],
        }
    }
    eprintln!("rounds {:?}",t.elapsed());site.send(actions);
    let [normalizer, aggregator] = &mut processes;
    site.await_caught_up(&mut [normalizer, aggregator]);

    eprintln!("caught up {:?} aborted {} {}",t.elapsed(), site.aborted(Topic::Events), site.aborted(ROWS));
    assert!(site.aborted(Topic::Events) > 0, "no kill hit an open transaction, so nothing was tested");
    let (actions, outputs) = (site.actions(), Outputs::of(&site));
    let expected = undisturbed(&actions);
    outputs.assert_are(&expected.outputs);
    eprintln!("compared {:?}",t.elapsed());let account = account(&actions, &outputs);
    assert_eq!(account.rerouted, expected.rerouted.len());
    assert!(account.recorded > 4000, "{account:?}");
}

fn normalizer(site: &Site) -> Product {
    site.run("n", &["--stage", "normalizer", "--set", "normalizer.commit_interval=1s"])
}

fn aggregator(site: &Site) -> Product {
    site.run("a", &["--stage", "aggregator", "--set", "aggregator.commit_interval=2s"])
}
