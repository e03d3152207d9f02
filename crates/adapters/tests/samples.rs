//! Samples of other projects, where they are at hand: `LMSAUDIT_SAMPLES`, or `../shared/samples` beside
//! the checkout. They belong to others and are no part of this project; without them these tests say
//! that they were skipped.

mod common;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use adapters::{Adapter, Format, Summary};
use common::{Published, adapter, feed_bytes, moodle_with_roles};

fn samples() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    env::var_os("LMSAUDIT_SAMPLES").map_or_else(beside, PathBuf::from)
}

fn run(adapter: &Adapter, file: &str) -> Option<(Summary, Vec<Published>)> {
    let path = samples().join(file);
    match fs::read(&path) {
        Ok(bytes) => Some(feed_bytes(adapter, file, &bytes)),
        Err(error) => {
            // Not by a macro, whose output the harness hides where a test passes.
            writeln!(io::stderr(), "SKIPPED: no sample {} ({error})", path.display())
                .expect("it can be said");
            None
        }
    }
}

/// Lines, mapped, incomplete, unmapped, unreadable, blank.
fn counts(summary: &Summary) -> [u64; 6] {
    let Summary { lines, mapped, incomplete, unmapped, unreadable, blank, .. } = summary;
    [*lines, *mapped, *incomplete, *unmapped, *unreadable, *blank]
}

fn actions(published: &[Published]) -> Vec<String> {
    let decoder = codec::Codec::single_object().decoder();
    let name = |record: &Published| {
        let raw = decoder.action(Some(record.value.as_bytes()), &[]).expect("it can be decoded");
        raw.action.present().expect("it names an action").to_string()
    };
    let mut names: Vec<_> = published.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn openedx_events() {
    let Some((summary, published)) = run(&adapter(Format::Openedx), "openedx-tracking-events.jsonl") else {
        return;
    };
    assert_eq!(counts(&summary), [41, 4, 1, 36, 0, 0], "{summary}");
    let completed = "quiz_attempt.completed";
    assert_eq!(actions(&published), ["course.enrolled", completed, completed, completed]);
    let names = summary.incomplete_names.sorted();
    assert_eq!(names.len(), 1);
    assert_eq!((names[0].0, names[0].1.count), ("edx.course.enrollment.activated", 1));
    assert_eq!(
        *summary.unmapped_names.sorted().iter().find(|(name, _)| *name == "problem_check").expect("there").1,
        6
    );
}

#[test]
fn openedx_log() {
    let Some((summary, published)) = run(&adapter(Format::Openedx), "openedx-tracking.log") else { return };
    assert_eq!(counts(&summary), [12, 0, 0, 10, 2, 0], "{summary}");
    assert_eq!(published, []);
    let places: Vec<_> = summary.first_unreadable.iter().map(|one| one.line).collect();
    assert_eq!(places, [3, 11]);
    assert!(summary.unmapped_names.sorted().iter().any(|(name, count)| *name == "/*" && **count == 1));
}

#[test]
fn moodle_rows() {
    // No sample assigns a role, so a list of roles changes nothing.
    for adapter in [adapter(Format::Moodle), moodle_with_roles(&["3"])] {
        let Some((summary, published)) = run(&adapter, "moodle-log-rows.jsonl") else { return };
        assert_eq!(counts(&summary), [86, 12, 0, 73, 1, 0], "{summary}");
        let mut expected = vec!["course.completed", "course.created", "course.enrolled", "course.updated"];
        expected.extend(["quiz_attempt.completed"; 8]);
        assert_eq!(actions(&published), expected);
    }
}

#[test]
fn learn365_bodies() {
    let Some((summary, published)) = run(&adapter(Format::Learn365), "learn365-webhooks.jsonl") else {
        return;
    };
    assert_eq!(counts(&summary), [11, 9, 0, 2, 0, 0], "{summary}");
    let expected = [
        "course.completed",
        "course.created",
        "course.deleted",
        "course.enrolled",
        "course.enrolled",
        "course.started",
        "course.unenrolled",
        "course.unpublished",
        "enrollment_request.created",
        "training_plan.completed",
        "training_plan.published",
    ];
    assert_eq!(actions(&published), expected);
    assert_eq!(summary.mismatched, 0);
}
