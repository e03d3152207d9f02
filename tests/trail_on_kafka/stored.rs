//! State on disk: after a kill only what came since is read; whatever happens to the folder, the outputs are those of a run
//! that nobody disturbed, and nobody has to do anything.

use std::collections::BTreeMap;

use catalog::{Category, Topic, View};
use testkit::{Product, wait_until};
use tests::trail::{Chance, LONG, PARTITIONS, Site, generated, judge, raw};

use crate::kept::{ALL, Kept, restored, set_aside};

const ROWS: Topic = Topic::Report(Category::UserProgress, View::Activity);
const EACH: usize = PARTITIONS as usize;

/// What is wrong with state, how it is made so, and the places that are then set aside, with how the reason begins.
type Spoilt<'a> = (&'a str, Box<dyn Fn() + 'a>, &'a [(&'a str, &'a str)]);

#[test]
fn a_killed_process_reads_only_what_came_since() {
    const ROUNDS: usize = 6;
    let Some(site) = Site::fresh() else { return };
    let mut chance = Chance::of_run();
    let mut actions = generated(8000, 23).map(raw);
    let folders = [Kept::new(), Kept::new()];
    let start = |stage: usize| stage_on(&site, stage, &folders[stage]);
    let mut processes = [start(0), start(1)];
    site.send(actions.by_ref().take(5000));
    caught_up(&site, &mut processes);
    let whole = records_of_stages(&site);
    let watches = [site.watch(Topic::Events), site.watch(ROWS)];
    let hit = || site.aborted(Topic::Events) > 0 && site.aborted(ROWS) > 0;
    for round in 0.. {
        if round >= ROUNDS && hit() {
            break;
        }
        assert!(round < 4 * ROUNDS, "no kill hit an open transaction, so nothing was tested");
        let victim = round % 2;
        let before = watches[victim].written();
        site.send(actions.by_ref().take(chance.between(50, 150)));
        let more = i64::try_from(chance.between(1, 40)).expect("small");
        wait_until(LONG, "records of an open transaction", || watches[victim].written() >= before + more);
        processes[victim].kill();
        site.send(actions.by_ref().take(chance.between(1, 100)));
        processes[victim] = start(victim);
        let log = processes[victim].stderr();
        assert_eq!(set_aside(&log), [], "{log}");
        for one in restored(&log) {
            let all = whole[&(one.stage.clone(), one.partition)];
            assert_eq!(one.from, "disk and topics", "{log}");
            assert!(one.records * 4 < all, "{one:?}, of {all} records");
        }
    }
    site.send(actions);
    caught_up(&site, &mut processes);
    let account = judge(&site);
    assert!(account.recorded > 4000, "{account:?}");
}

#[test]
fn a_restore_that_is_killed_is_begun_again() {
    const ATTEMPTS: usize = 8;
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(9000, 29).map(raw);
    let folder = Kept::new();
    let one_by_one = ["--set", "state.restores=1"];
    let mut process = folder.run(&site, "one", &one_by_one, ALL);
    site.send(actions.by_ref().take(6000));
    site.await_caught_up(&mut [&mut process]);
    process.kill();
    let mut under_way = 0;
    for attempt in 0..ATTEMPTS {
        // Every other time it finds what the one before has left.
        if attempt % 2 == 0 {
            folder.remove();
        }
        site.send(actions.by_ref().take(200));
        let mut process = folder.start(&site, "one", &one_by_one);
        process.await_log(LONG, "restoring");
        process.kill();
        under_way += usize::from(restored(&process.stderr()).len() < ALL);
    }
    assert!(under_way >= ATTEMPTS / 2, "only {under_way} restores were under way when they were killed");
    site.send(actions);
    let mut process = folder.run(&site, "one", &one_by_one, ALL);
    site.await_caught_up(&mut [&mut process]);
    let account = judge(&site);
    assert!(account.recorded > 5000, "{account:?}");
}

#[test]
fn state_that_cannot_be_right_is_set_aside_with_a_line_and_rebuilt() {
    let Some(site) = Site::fresh() else { return };
    let mut actions = generated(6000, 31).map(raw);
    let folder = Kept::new();
    let mut process = folder.run(&site, "one", &[], ALL);
    site.send(actions.by_ref().take(3000));
    site.await_caught_up(&mut [&mut process]);
    process.kill();
    let foreign = Kept::new();
    let elsewhere = Site::fresh().expect("as the first");
    elsewhere.send(generated(300, 37).map(raw));
    let mut process = foreign.run(&elsewhere, "one", &[], ALL);
    elsewhere.await_caught_up(&mut [&mut process]);
    process.kill();

    let cases: [Spoilt<'_>; 4] = [
        (
            "damaged",
            Box::new(|| {
                folder.damage("normalizer", 0);
                folder.damage("aggregator", 2);
            }),
            &[("aggregator/2", ""), ("normalizer/0", "")],
        ),
        (
            "of another format",
            Box::new(|| {
                folder.edit("normalizer", 1, |head| head["format"] = 999.into());
                folder.edit("aggregator", 1, |head| head["format"] = 999.into());
            }),
            &[
                ("aggregator/1", "it has format 999, this version reads 1"),
                ("normalizer/1", "it has format 999, this version reads 1"),
            ],
        ),
        (
            "ahead of the topics",
            Box::new(|| {
                folder.edit("normalizer", 2, |head| head["coverage"]["next"] = 1_000_000_000.into());
                folder.edit("aggregator", 0, |head| {
                    for (_, offset) in head["changelogs"].as_object_mut().expect("an object") {
                        *offset = 1_000_000_000.into();
                    }
                });
            }),
            &[
                ("aggregator/0", "it reflects lms.audit.ledger.v1 partition 0 up to offset 1000000000, but"),
                ("normalizer/2", "it reflects more of the input than the ledger says was processed"),
            ],
        ),
        (
            "of another trail",
            Box::new(|| {
                for (stage, partition) in [("normalizer", 0), ("aggregator", 0)] {
                    std::fs::remove_dir_all(folder.store(stage, partition)).expect("a folder of ours");
                    std::fs::rename(foreign.store(stage, partition), folder.store(stage, partition))
                        .expect("a folder can be moved");
                }
            }),
            &[
                ("aggregator/0", "it is of another cluster, or of topics that were made anew"),
                ("normalizer/0", "it is of another cluster, or of topics that were made anew"),
            ],
        ),
    ];
    for (what, spoil, expected) in cases {
        spoil();
        site.send(actions.by_ref().take(600));
        let mut process = folder.run(&site, "one", &[], ALL);
        site.await_caught_up(&mut [&mut process]);
        let log = process.stderr();
        let found = set_aside(&log);
        let places: Vec<_> = expected.iter().map(|(place, _)| *place).collect();
        assert!(
            found.iter().map(|(place, _)| place.as_str()).eq(places.iter().copied()),
            "{what}: {found:?}"
        );
        for ((_, why), (_, starts)) in found.iter().zip(expected) {
            assert!(!why.is_empty() && why.starts_with(starts), "{what}: {why}");
        }
        for one in restored(&log) {
            let rebuilt = places.contains(&format!("{}/{}", one.stage, one.partition).as_str());
            assert_eq!(one.from, if rebuilt { "topics" } else { "disk and topics" }, "{what}: {one:?}");
        }
        process.kill();
    }
    let account = judge(&site);
    assert!(account.recorded > 3000, "{account:?}");
}

/// The normalizer or the aggregator, with its state in this folder, once it has restored it.
fn stage_on(site: &Site, stage: usize, folder: &Kept) -> Product {
    let args: [&[&str]; 2] = [
        &["--stage", "normalizer", "--set", "normalizer.commit_interval=1s"],
        &["--stage", "aggregator", "--set", "aggregator.commit_interval=2s"],
    ];
    folder.run(site, ["n", "a"][stage], args[stage], EACH)
}

fn caught_up(site: &Site, processes: &mut [Product; 2]) {
    let [normalizer, aggregator] = processes;
    site.await_caught_up(&mut [normalizer, aggregator]);
}

/// How many records each stage reads for a partition that it has no state of.
fn records_of_stages(site: &Site) -> BTreeMap<(String, u32), usize> {
    let mut records = BTreeMap::new();
    for topic in Topic::all() {
        let stages: &[&str] = match topic {
            Topic::Ledger => &["normalizer", "aggregator"],
            Topic::Report(..) => &["aggregator"],
            Topic::Settings | Topic::Events | Topic::Receipts => &["normalizer"],
            _ => &[],
        };
        for record in site.kafka.read(&topic.name()) {
            for stage in stages {
                let partition = record.partition.cast_unsigned();
                *records.entry(((*stage).to_owned(), partition)).or_default() += 1;
            }
        }
    }
    records
}
