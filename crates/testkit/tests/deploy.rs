//! What lies under `deploy/` agrees with itself: alert rules use documented metrics alone, and every alert has its texts, its
//! runbook page, and a firing and a quiet case among the rules' unit tests. (That these pass is for promtool to say.)
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// The files of a folder under `deploy/`, by name.
fn files(folder: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(deploy().join(folder)).unwrap().map(Result::unwrap);
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    entries.map(|entry| read(entry.path())).collect()
}

/// Every word that begins like a metric of ours, without what a histogram's series add to its name.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c));
    let metrics = words.filter(|word| word.starts_with("lmsaudit_") && *word != "lmsaudit_");
    let base = |word: &str| {
        let stripped = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        stripped.unwrap_or(word).to_owned()
    };
    metrics.map(base).collect()
}

fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(deploy().join("prometheus/metrics.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// One alert of a rule file: its name and the lines up to the next one.
fn alerts(text: &str) -> Vec<(String, String)> {
    let parts = text.split("- alert: ").skip(1);
    parts.map(|part| (part.lines().next().unwrap().to_owned(), part.to_owned())).collect()
}

fn all_alerts() -> Vec<(String, String)> {
    let found: Vec<_> = files("prometheus/rules").values().flat_map(|text| alerts(text)).collect();
    assert!(found.len() >= 10, "the rules are not read: {found:?}");
    found
}

#[test]
fn the_list_of_metrics_is_well_formed() {
    let text = std::fs::read_to_string(deploy().join("prometheus/metrics.txt")).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [name, kind, labels] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not a name, a type and labels: {line}");
        };
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        assert!(!labels.is_empty() && name.starts_with("lmsaudit_"), "{line}");
    }
    assert!(documented().len() > 20);
}

#[test]
fn rules_and_runbooks_use_documented_metrics() {
    let documented = documented();
    for folder in ["prometheus/rules", "prometheus/tests", "runbooks"] {
        for (file, text) in files(folder) {
            let unknown: Vec<_> = metrics_in(&text).difference(&documented).cloned().collect();
            assert!(
                unknown.is_empty(),
                "{folder}/{file} names metrics that metrics.txt does not: {unknown:?}"
            );
        }
    }
}

#[test]
fn runbooks_name_commands_that_exist() {
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lms-audit/src/commands");
    let mut named = 0;
    for (file, text) in files("runbooks") {
        for words in text.split("`lms-audit ").skip(1) {
            let command = words.split([' ', '`']).next().unwrap();
            let module = command.replace('-', "_");
            let there = [format!("{module}.rs"), format!("{module}/mod.rs")];
            assert!(there.iter().any(|path| commands.join(path).exists()), "{file}: lms-audit {command}");
            named += 1;
        }
    }
    assert!(named > 0, "no command is found any more");
}

#[test]
fn an_undocumented_metric_would_be_found() {
    let found = metrics_in(
        "rate(lmsaudit_x_seconds_bucket{le=\"1\"}[5m]) > lmsaudit_y_total # stage:lmsaudit_late:ratio",
    );
    assert_eq!(found, BTreeSet::from(["lmsaudit_x_seconds".to_owned(), "lmsaudit_y_total".to_owned()]));
}

#[test]
fn every_alert_has_its_texts_and_its_page() {
    let pages = files("runbooks");
    for (name, text) in all_alerts() {
        let severities =
            ["severity: page", "severity: ticket"].map(|severity| text.matches(severity).count());
        assert_eq!(severities.iter().sum::<usize>(), 1, "{name} needs one severity");
        for annotation in ["summary: ", "description: "] {
            assert!(text.contains(annotation), "{name} has no {annotation}");
        }
        assert!(
            text.contains(&format!("runbook_url: deploy/runbooks/{name}.md")),
            "{name} has no runbook_url"
        );
        let page = pages.get(&format!("{name}.md")).unwrap_or_else(|| panic!("{name} has no page"));
        for section in ["Symptom", "Impact", "Check", "Fix", "Escalate"] {
            assert!(page.contains(&format!("\n## {section}\n")), "{name}.md has no section {section}");
        }
        assert!(page.contains(&format!("\n# {name}\n")), "{name}.md has another title");
    }
    assert_eq!(pages.len(), all_alerts().len(), "a page without an alert");
}

#[test]
fn every_alert_has_a_firing_and_a_quiet_case() {
    let tests = files("prometheus/tests").into_values().collect::<String>();
    for (name, _) in all_alerts() {
        let cases: Vec<&str> =
            tests.split("- alertname: ").filter(|case| case.lines().next() == Some(&name)).collect();
        let fires = |case: &&&str| case.split("- name: ").next().unwrap().contains("exp_alerts:");
        let firing = cases.iter().filter(fires).count();
        assert!(firing > 0, "{name} never fires in a test");
        assert!(firing < cases.len(), "{name} is never quiet in a test");
    }
}
