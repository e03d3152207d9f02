//! Files of other platforms: published twice they add no event the second time, and people can read what came of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use catalog::Topic;
use serde_json::Value;
use testkit::golden;
use tests::trail::{Calm, Outputs};

/// What a format's file yields for one tenant.
struct Source {
    format: &'static str,
    file: PathBuf,
    tenant: &'static str,
    /// The category and view that people look at.
    report: [&'static str; 2],
}

fn fixture(format: &'static str, file: &str, tenant: &'static str, report: [&'static str; 2]) -> Source {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/adapters/fixtures").join(file);
    Source { format, file, tenant, report }
}

#[test]
fn a_file_published_twice_adds_nothing_and_can_be_read() {
    let Some(calm) = Calm::site() else { return };
    for source in [
        fixture("action", "action.jsonl", "acme", ["user-status", "register"]),
        fixture("openedx", "openedx.log", "edx-school", ["user-progress", "register"]),
        fixture("moodle", "moodle.jsonl", "moodle-school", ["course-and-training-plan", "register"]),
        fixture("learn365", "learn365.jsonl", "learn-school", ["user-status", "activity"]),
    ] {
        let published = publish_twice(calm, &source);
        assert!(published > 0, "{}", source.format);
        let trail = calm.site.done(&["trail", "--tenant", source.tenant]);
        golden(format!("golden/{}.trail.txt", source.format), &trail.out);
        let [category, view] = source.report;
        let report = calm.site.done(&["report", category, view, "--tenant", source.tenant]);
        assert!(report.out.lines().count() > 1, "{category} {view}: {}", report.out);
        golden(format!("golden/{}.report.txt", source.format), &report.out);
    }
}

#[test]
fn samples_of_other_projects_go_the_whole_way() {
    let Some(calm) = Calm::site() else { return };
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let folder = std::env::var_os("LMSAUDIT_SAMPLES").map_or_else(beside, PathBuf::from);
    for (format, file, tenant) in [
        ("openedx", "openedx-tracking-events.jsonl", "sample-edx"),
        ("openedx", "openedx-tracking.log", "sample-edx-raw"),
        ("moodle", "moodle-log-rows.jsonl", "sample-moodle"),
        ("learn365", "learn365-webhooks.jsonl", "sample-learn"),
    ] {
        let file = folder.join(file);
        if !file.exists() {
            // Past the harness, which keeps to itself what a passing test prints.
            let _ = writeln!(std::io::stderr().lock(), "SKIPPED: no sample {}", file.display());
            continue;
        }
        let published = publish_twice(calm, &Source { format, file, tenant, report: ["", ""] });
        let trail = calm.site.done(&["trail", "--tenant", tenant, "-o", "jsonl"]);
        let events = trail.out.lines().count();
        assert!(events <= published && (published == 0 || events > 0), "{format}: {published}, {events}");
    }
}

/// Publishes the file twice and returns how many actions were published each time.
fn publish_twice(calm: &Calm, source: &Source) -> usize {
    let file = source.file.to_str().expect("a path of text");
    let mut args = vec!["publish", file, "--format", source.format, "-o", "json"];
    if source.format != "action" {
        args.extend(["--tenant", source.tenant]);
    }
    let publish = || {
        let done = calm.site.end_of(&args);
        // Some lines are unreadable or incomplete on purpose, which the exit code tells.
        assert!(matches!(done.status.code(), Some(0 | 1)), "{}", done.err);
        let summary: Value = serde_json::from_str(done.out.trim()).unwrap_or_else(|_| panic!("{}", done.err));
        calm.await_caught_up();
        usize::try_from(summary["published"].as_u64().expect("a count")).expect("few")
    };
    let published = publish();
    let first = of_tenant(calm, source.tenant);
    assert_eq!(publish(), published, "the same file, the same actions");
    let second = of_tenant(calm, source.tenant);
    assert_eq!(first[0], second[0], "{}: the second time adds no event", source.format);
    let received_first = first.iter().sum::<usize>();
    assert_eq!(second[1] - first[1], received_first, "{}: each of them is a duplicate", source.format);
    published
}

/// Events and receipts of the tenant.
fn of_tenant(calm: &Calm, tenant: &str) -> [usize; 2] {
    let outputs = Outputs::of(&calm.site);
    let count = |topic| {
        let all = outputs.stream(topic);
        all.filter(|(_, written)| written.key.as_deref() == Some(tenant.as_bytes())).count()
    };
    [count(Topic::Events), count(Topic::Receipts)]
}
