//! Every version reads what every version wrote: dumps of topics and of state, made by each version as it was tagged, are read,
//! restored from and continued with. `UPDATE_GOLDEN=1` makes the present version's dump, unless that version is tagged.

mod dump;
mod fidelity;
mod input;
mod log;
mod made;
mod play;
mod registry;
mod state;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use dump::{Dump, Framing};
use fidelity::Fidelity;
use log::Phase;

/// The version that is built.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat")
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value != "0")
}

/// Each version's folder, the present one's made anew first where that is asked for.
fn folders() -> Vec<PathBuf> {
    static MADE: std::sync::Once = std::sync::Once::new();
    MADE.call_once(|| {
        if updating() {
            let folder = home().join(format!("v{VERSION}"));
            made::refuse_if_tagged(&folder, VERSION).unwrap_or_else(|problem| panic!("{problem}"));
            made::write(&folder, VERSION);
        }
    });
    let entries = std::fs::read_dir(home())
        .expect("the folder of dumps is there")
        .map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn dumps() -> Vec<(String, Dump)> {
    let dump = |folder: &PathBuf| {
        Framing::ALL.map(|framing| {
            let file = folder.join(framing.file());
            (file.display().to_string(), Dump::read(&file).unwrap_or_else(|problem| panic!("{problem}")))
        })
    };
    folders().iter().flat_map(dump).collect()
}

#[test]
fn the_present_version_has_a_dump() {
    let present = home().join(format!("v{VERSION}"));
    assert!(folders().contains(&present), "{}: there is none; UPDATE_GOLDEN=1 makes it", present.display());
}

#[test]
fn every_tagged_version_has_a_dump() {
    let folders = folders();
    let names = folders.iter().filter_map(|path| path.file_name());
    let names: Vec<_> = names.map(|name| name.display().to_string()).collect();
    match made::tags() {
        Ok(tags) => assert_eq!(
            made::without_dump(&tags, &names),
            Vec::<String>::new(),
            "{}: tagged without a dump; check the tag out and make it with UPDATE_GOLDEN=1",
            home().display()
        ),
        Err(why) => {
            // The harness keeps standard output of tests that pass to itself; nobody may miss this.
            let _ = writeln!(
                std::io::stderr().lock(),
                "SKIPPED: whether every tagged version has a dump, as git does not say: {why}"
            );
        }
    }
}

#[test]
fn a_tagged_version_without_a_dump_is_found() {
    let folders = ["v0.1.0", "v0.2.0"].map(str::to_owned);
    for (tags, missing) in [
        ("", vec![]),
        ("v0.1.0", vec![]),
        ("v0.1.0\nv0.2.0\nvendored\n0.9.0", vec![]),
        ("v0.1.0\nv0.1.1\nv0.2.0-rc1", vec!["v0.1.1", "v0.2.0-rc1"]),
    ] {
        assert_eq!(made::without_dump(tags, &folders), missing, "{tags}");
    }
}

#[test]
fn every_record_of_every_version_is_read() {
    for (file, dump) in dumps() {
        let codec = dump.codec();
        let decoder = codec.decoder();
        for kept in &dump.records {
            fidelity::shown(&decoder, &kept.record)
                .unwrap_or_else(|problem| panic!("{file}: {}: {problem}", kept.record.place()));
        }
        let topics: std::collections::BTreeSet<_> =
            dump.records.iter().map(|kept| kept.record.topic).collect();
        let missing: Vec<_> = catalog::Topic::all().filter(|topic| !topics.contains(topic)).collect();
        assert!(
            dump.framing == Framing::Confluent || missing.is_empty(),
            "{file} holds nothing of {missing:?}"
        );
    }
}

#[test]
fn stages_go_on_from_the_topics_of_every_version_as_that_version_did() {
    for (file, dump) in dumps() {
        let found = play::from_topics(&dump);
        let expected = dump.outputs(Phase::After);
        let difference =
            Fidelity::to(&dump.version, VERSION).difference(&dump.codec().decoder(), &expected, &found);
        assert_eq!(difference, None, "{file}");
    }
}

#[test]
fn stages_go_on_from_the_state_of_every_version_or_set_it_aside() {
    for folder in folders() {
        let dump = Dump::read(&folder.join(Framing::SingleObject.file()))
            .unwrap_or_else(|problem| panic!("{problem}"));
        let state =
            state::State::read(&folder.join(state::FILE)).unwrap_or_else(|problem| panic!("{problem}"));
        let expected = dump.outputs(Phase::After);
        let Some(found) = play::from_state(&dump, &state) else {
            assert_ne!(
                state.format,
                ::state::FORMAT,
                "{}: state of this format was set aside",
                folder.display()
            );
            continue;
        };
        let difference =
            Fidelity::to(&dump.version, VERSION).difference(&dump.codec().decoder(), &expected, &found);
        assert_eq!(difference, None, "{}", folder.display());
    }
}

/// The comparison itself can fail.
#[test]
fn a_changed_output_is_told() {
    let (_, dump) = dumps().remove(0);
    let decoder = dump.codec().decoder();
    let expected = dump.outputs(Phase::After);
    for fidelity in [Fidelity::Bytes, Fidelity::Values] {
        assert_eq!(fidelity.difference(&decoder, &expected, &expected.clone()), None);
        for topic in catalog::Topic::all() {
            let Some(spoil) = expected.iter().rposition(|one| one.topic == topic) else { continue };
            let mut found = expected.clone();
            found.remove(spoil);
            assert!(
                fidelity.difference(&decoder, &expected, &found).is_some(),
                "{} is missing",
                expected[spoil].place()
            );
        }
        let mut found = expected.clone();
        let event = found.iter().position(|one| one.topic == catalog::Topic::Events).expect("an event");
        let another = expected.iter().rposition(|one| one.topic == catalog::Topic::Events).expect("another");
        assert_ne!(found[event].value, expected[another].value);
        found[event].value.clone_from(&expected[another].value);
        assert!(fidelity.difference(&decoder, &expected, &found).is_some());
    }
}

#[test]
fn a_tagged_version_is_not_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("single-object.jsonl"), "x").expect("written");
    let tagged = |tags: &str| made::may_write(folder.path(), "0.1.0", Some(tags));
    assert!(tagged("v0.0.9\nv0.1.0\n").is_err(), "it is tagged");
    assert!(tagged("v0.0.9\nv0.1.00\n").is_ok(), "another is tagged");
    assert!(made::may_write(folder.path(), "0.1.0", None).is_err(), "nobody knows whether it is tagged");
    assert!(made::may_write(&folder.path().join("new"), "0.1.0", None).is_ok(), "there is nothing to lose");
}
