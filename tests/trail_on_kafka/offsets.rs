//! Group offsets against coverage: where Kafka has forgotten them, coverage says where to go on; where the two differ, the
//! process ends and names both.

use testkit::Signal;
use tests::trail::{LONG, Site, actions_topic, generated, judge, raw};

const GROUPS: [&str; 2] = ["lms-audit-normalizer", "lms-audit-aggregator"];

#[test]
fn without_group_offsets_the_stages_go_on_from_coverage() {
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(1600, 21).map(raw);
    run_over(&site, actions.by_ref().take(800));
    for group in GROUPS {
        site.kafka.delete_group(group);
    }
    let topic = actions_topic();
    assert_eq!(site.kafka.committed_offset(GROUPS[0], &topic, 0), None, "the offsets are gone");
    run_over(&site, actions);
    let account = judge(&site);
    assert!(account.recorded > 1300, "{account:?}");
    assert!(site.kafka.committed_offset(GROUPS[0], &topic, 0).is_some(), "and there again");
}

#[test]
fn group_offsets_that_differ_from_coverage_end_the_process() {
    let Some(site) = Site::fresh() else { return };
    run_over(&site, generated(400, 22).map(raw));
    let coverage = site.coverage();
    for (group, topic, stage) in
        [(GROUPS[0], actions_topic(), "normalizer"), (GROUPS[1], catalog::Topic::Events.name(), "aggregator")]
    {
        let covered = coverage[&(stage.to_owned(), 1)];
        assert_eq!(
            site.kafka.committed_offset(group, &topic, 1),
            Some(covered),
            "{stage}: committed together"
        );
        for wrong in [covered - 1, covered + 1, 0] {
            site.kafka.commit_offset(group, &topic, 1, wrong);
            let done = site.end_of(&["run", "--instance", "one", "--stage", stage, "--leave"]);
            assert_eq!(done.status.code(), Some(1), "{}", done.err);
            let last = done.err.lines().last().expect("it says why");
            for part in [
                format!("{stage} cannot start in {topic} partition 1"),
                format!("the group committed offset {wrong}, coverage says {covered}"),
            ] {
                assert!(last.contains(&part), "{part:?} is not in {last:?}");
            }
        }
        site.kafka.commit_offset(group, &topic, 1, covered);
    }
    run_over(&site, generated(100, 23).map(raw));
    let _ = judge(&site);
}

/// Both stages process these actions, then leave their groups.
fn run_over(site: &Site, actions: impl Iterator<Item = testkit::Raw>) {
    let mut running = site.run("one", &["--leave"]);
    site.send(actions);
    site.await_caught_up(&mut [&mut running]);
    running.signal(Signal::Term);
    let status = running.wait(LONG);
    assert!(status.success(), "{status}:\n{}", running.stderr());
}
