//! Reports rebuilt: byte for byte what they were, also where a rebuild was killed half-way, and no aggregator over half of one.

use std::path::Path;

use catalog::{Category, Topic, View};
use testkit::{Product, wait_until};
use tests::trail::{LONG, Outputs, Site, generated, judge, raw};

const ROWS: Topic = Topic::Report(Category::UserProgress, View::Activity);

fn normalizer(site: &Site) -> Product {
    site.run("n", &["--stage", "normalizer"])
}

/// With its state on disk, which must notice that the topics were rebuilt.
fn aggregator(site: &Site, folder: &Path) -> Product {
    let state = format!("state.dir={}", folder.display());
    site.run("a", &["--stage", "aggregator", "--leave", "--set", &state])
}

/// Ends the aggregator so that its group is empty.
fn end(mut aggregator: Product) {
    aggregator.signal(testkit::Signal::Term);
    assert!(aggregator.wait(LONG).success(), "{}", aggregator.stderr());
}

#[test]
fn rows_are_the_same_after_rebuilds_that_were_killed_and_finished() {
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(6000, 11).map(raw);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut normalizer = normalizer(&site);
    let mut living = aggregator(&site, folder.path());
    site.send(actions.by_ref().take(5000));
    site.await_caught_up(&mut [&mut normalizer, &mut living]);

    let refused = site.end_of(&["reports", "rebuild", "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.err);
    assert!(
        refused.err.contains("the group lms-audit-aggregator has members (lms-audit-aggregator-a-0 at "),
        "{}",
        refused.err
    );
    end(living);
    let before = Outputs::of(&site);
    let dry = site.done(&["reports", "rebuild", "--dry-run", "-o", "csv"]);
    assert_eq!(dry.out.lines().count(), 37, "{}", dry.out);
    assert!(
        dry.out.lines().skip(1).all(|line| line.ends_with(",0,0,0,0")),
        "nothing would change:\n{}",
        dry.out
    );

    // Killed while tombstones, and later rows, are in an open transaction, or between two of them.
    let rebuild = ["reports", "rebuild", "user-progress", "--yes", "--per-transaction", "200"];
    let watch = site.watch(ROWS);
    let start = watch.written();
    for kill in 1..=4 {
        let from = watch.written();
        let mut one = site.start(&rebuild);
        wait_until(LONG, "records of a rebuild", || watch.written() > from + 400 * kill);
        one.kill();
    }
    assert!(watch.written() > start);
    // Also the second time, when its own state has seen the mark.
    for _ in 0..2 {
        let mut half = aggregator(&site, folder.path());
        assert_eq!(half.wait(LONG).code(), Some(1), "{}", half.stderr());
        let said = half.stderr();
        assert!(said.contains("the rebuild of lms.audit.reports.user-progress."), "{said}");
        assert!(said.contains("run `lms-audit reports rebuild --dry-run`"), "{said}");
    }
    // Another category's rebuild neither finishes nor hides it.
    let other = site.done(&["reports", "rebuild", "certificate", "--yes"]);
    assert!(other.err.contains("an earlier rebuild is not finished"), "{}", other.err);

    site.done(&rebuild);
    same(&before, &site);
    let all = site.done(&["reports", "rebuild", "--yes"]);
    assert!(all.err.contains(" rows removed, "), "{}", all.err);
    same(&before, &site);

    let mut living = aggregator(&site, folder.path());
    site.send(actions);
    site.await_caught_up(&mut [&mut normalizer, &mut living]);
    let account = judge(&site);
    assert!(account.recorded > 4000, "{account:?}");
}

/// Fails unless every row is what it was, and every row that was is there.
#[track_caller]
fn same(before: &Outputs, site: &Site) {
    if let Some(difference) = Outputs::of(site).difference(before) {
        panic!("{difference}");
    }
}
