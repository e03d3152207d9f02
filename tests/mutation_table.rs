//! The table of mutations fits the source: each replaces text that is there exactly once, and names a campaign that there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tests::mutations::Table;

fn table() -> Table {
    Table::read().expect("the table is read")
}

#[test]
fn every_edit_fits_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    for mutation in table().mutations {
        let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
        for edit in &mutation.edits {
            let source = || std::fs::read_to_string(root.join(&edit.file));
            let text = texts.entry(edit.file.clone()).or_insert_with(|| source().expect("source is text"));
            let edited = edit.apply(text).unwrap_or_else(|problem| panic!("{}: {problem}", mutation.name));
            assert_ne!(*text, edited, "{}", mutation.name);
            *text = edited;
        }
        assert!(!texts.is_empty(), "{} edits nothing", mutation.name);
    }
}

#[test]
fn names_are_unique_and_campaigns_are_known() {
    let mutations = table().mutations;
    let names: BTreeSet<_> = mutations.iter().map(|mutation| &mutation.name).collect();
    assert_eq!(names.len(), mutations.len());
    for mutation in &mutations {
        assert!(!mutation.red.is_empty(), "{}: nothing would be a sign of it", mutation.name);
        assert!(!mutation.seeds.is_empty(), "{}: no campaign runs", mutation.name);
        for seed in &mutation.seeds {
            let options = mutation.campaign.options(*seed, Path::new("target"));
            let options = options.unwrap_or_else(|problem| panic!("{}: {problem}", mutation.name));
            assert_eq!(options.seed, *seed);
        }
    }
}

#[test]
fn the_rules_that_exactly_once_rests_on_are_all_there() {
    let mutations = table().mutations;
    for rule in [
        "exactly-once",
        "offsets-inside",
        "committed-input",
        "group-generation",
        "restore-to-the-end",
        "rewind",
        "coverage",
        "end-txn",
        "stable-id",
    ] {
        assert!(mutations.iter().any(|mutation| mutation.name == rule), "no mutation switches off {rule}");
    }
}
