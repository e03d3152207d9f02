//! The arrows between crates are those that are drawn; this test reads them from cargo.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate and the crates it may depend on. Development crates (testkit, bench, tests) may use all.
const ARROWS: &[(&str, &[&str])] = &[
    ("catalog", &[]),
    ("stage", &[]),
    ("ops", &[]),
    ("normalizer", &["catalog", "stage"]),
    ("aggregator", &["catalog", "stage"]),
    ("codec", &["catalog", "stage"]),
    ("pipeline", &["aggregator", "catalog", "codec", "normalizer", "stage"]),
    ("runtime", &["stage"]),
    ("state", &["stage"]),
    ("embedded", &["runtime", "stage"]),
    ("adapters", &["catalog", "codec"]),
    (
        "lms-audit",
        &[
            "adapters",
            "aggregator",
            "catalog",
            "codec",
            "embedded",
            "normalizer",
            "ops",
            "pipeline",
            "runtime",
            "stage",
            "state",
        ],
    ),
];
const DEVELOPMENT: &[&str] = &["testkit", "bench", "tests", "fuzzing"];

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn drawn() -> Arrows {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ARROWS.iter().map(|(name, uses)| ((*name).to_owned(), owned(uses))).collect()
}

fn found() -> Arrows {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo describes the workspace");
    let members: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let uses = |package: &cargo_metadata::Package| {
        let normal =
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        normal.map(|dependency| dependency.name.clone()).filter(|name| members.contains(name)).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), uses(package))).collect()
}

/// What is wrong with the arrows found.
fn undrawn(found: &Arrows) -> Vec<String> {
    let drawn = drawn();
    let mut wrong = Vec::new();
    for (package, uses) in found.iter().filter(|(package, _)| !DEVELOPMENT.contains(&package.as_str())) {
        match drawn.get(package) {
            None => wrong.push(format!("{package} is not drawn")),
            Some(allowed) => {
                wrong.extend(uses.difference(allowed).map(|used| format!("{package} -> {used}")))
            }
        }
    }
    wrong
}

#[test]
fn crates_depend_only_along_drawn_arrows() {
    assert_eq!(undrawn(&found()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_is_not_drawn_is_found() {
    let mut arrows = found();
    arrows.get_mut("stage").expect("a member").insert("runtime".into());
    arrows.insert("extra".into(), BTreeSet::new());
    assert_eq!(undrawn(&arrows), ["extra is not drawn", "stage -> runtime"]);
}

#[test]
fn only_the_runtime_and_the_test_kit_know_rdkafka() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo describes the workspace");
    let users: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|package| {
            package.dependencies.iter().any(|dependency| dependency.name.starts_with("rdkafka"))
        })
        .map(|package| package.name.to_string())
        .collect();
    assert_eq!(users, BTreeSet::from(["runtime".to_owned(), "testkit".to_owned()]));
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut files = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                let allows = ["allow", "expect"].map(|word| format!("{word}(unsafe{}", "_code"));
                if allows.iter().any(|allow| text.contains(allow.as_str())) {
                    files.push(path.strip_prefix(root).expect("within").display().to_string());
                }
            }
        }
    }
    assert_eq!(files, ["crates/runtime/src/kafka/native.rs"]);
}
