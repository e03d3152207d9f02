//! The kept corpora and the seeds, run through their targets on a stable toolchain; and the fuzz runner has what the library has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fuzzing::{TARGETS, run};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// What a test found wrong with these bytes, if anything.
fn finding(name: &str, data: &[u8]) -> Option<String> {
    let panic = std::panic::catch_unwind(|| run(name, data)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
}

#[test]
fn every_kept_input_passes() {
    let mut wrong = Vec::new();
    for target in TARGETS {
        let kept = files(&folder("corpus").join(target.name));
        assert!(!kept.is_empty(), "{} has no corpus", target.name);
        for file in kept {
            let data = std::fs::read(&file).expect("it can be read");
            wrong.extend(finding(target.name, &data).map(|text| format!("{}: {text}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_seed_passes_and_every_target_has_some() {
    let seeds = fuzzing::seeds::seeds();
    let seeded: BTreeSet<_> = seeds.iter().map(|seed| seed.target).collect();
    assert_eq!(seeded, TARGETS.iter().map(|target| target.name).collect());
    let found = seeds.iter().enumerate().filter_map(|(number, seed)| {
        finding(seed.target, &seed.data).map(|text| format!("seed {number} of {}: {text}", seed.target))
    });
    let wrong: Vec<_> = found.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_runner_has_the_targets_of_the_library() {
    let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let stem = |file: PathBuf| file.file_stem().map(|name| name.to_string_lossy().into_owned());
    let built: BTreeSet<_> = files(&folder("runner/targets")).into_iter().filter_map(stem).collect();
    assert_eq!(built, names);
    let corpora: BTreeSet<_> = files(&folder("corpus")).into_iter().filter_map(stem).collect();
    assert_eq!(corpora, names);
    let manifest = std::fs::read_to_string(folder("runner/Cargo.toml")).expect("it is there");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let bins = manifest["bin"].as_array().expect("binaries").iter();
    let bins: BTreeSet<_> = bins.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect();
    assert_eq!(bins, names);
}
