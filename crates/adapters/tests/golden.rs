//! The fixture of each format against the actions and the summary that it gave before.
//! `UPDATE_GOLDEN=1` writes them anew.

mod common;

use std::fmt::Write as _;
use std::{env, fs};

use adapters::{Format, Summary};
use common::{FIXTURES, Published, adapter, feed_bytes, fixture};

fn check(name: &str, actual: &str) {
    let path = fixture("golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(fixture("golden")).expect("the folder can be made");
        fs::write(&path, actual).expect("it can be written");
    }
    let expected = fs::read_to_string(&path).expect("it is there, or UPDATE_GOLDEN=1 writes it");
    assert_eq!(actual, expected, "{name} differs");
}

fn run(format: Format, file: &str) -> (Summary, Vec<Published>) {
    let bytes = fs::read(fixture(file)).expect("the fixture is there");
    feed_bytes(&adapter(format), file, &bytes)
}

#[test]
fn the_fixtures_give_what_they_gave_before() {
    for (format, file) in FIXTURES {
        let (summary, published) = run(format, file);
        let mut actions = String::new();
        for Published { key, value, headers } in &published {
            let headers: String = headers.iter().map(|(name, value)| format!(" {name}: {value}")).collect();
            writeln!(actions, "{key}{headers} {value}").expect("text can be written");
        }
        check(&format!("{format}.actions.txt"), &actions);
        check(&format!("{format}.summary.txt"), &summary.to_string());
    }
}

#[test]
fn every_line_of_the_fixtures_is_counted_once() {
    for (format, file) in FIXTURES {
        let (summary, published) = run(format, file);
        let Summary { lines, blank, mapped, unmapped, unreadable, incomplete, .. } = summary;
        assert_eq!(blank + mapped + unmapped + unreadable + incomplete, lines, "{format}");
        assert_eq!(summary.published, published.len() as u64, "{format}");
        let bytes = fs::metadata(fixture(file)).expect("the fixture is there").len();
        assert_eq!(summary.bytes, bytes, "{format}");
    }
}

/// What an adapter publishes must be an action to the normalizer's decoder, with nothing missing.
#[test]
fn what_is_published_can_be_decoded() {
    let decoder = codec::Codec::single_object().decoder();
    for (format, file) in FIXTURES.into_iter().filter(|(format, _)| *format != Format::Action) {
        for Published { key, value, .. } in run(format, file).1 {
            let raw = decoder.action(Some(value.as_bytes()), &[]).expect("it can be decoded");
            assert_eq!(raw.tenant.present().map(AsRef::as_ref), Some(key.as_str()), "{value}");
            assert_eq!(raw.source.present().map(AsRef::as_ref), Some(format.name()), "{value}");
            let name = raw.action.present().expect("it names an action");
            assert!(catalog::catalog().action(name).is_some(), "{value}");
            let there = raw.id.present().is_some() && raw.actor.present().is_some();
            assert!(there && raw.occurred_at.present().is_some(), "{value}");
        }
    }
}

/// Rule 4 of adapters: neither addresses nor names of people.
#[test]
fn no_address_or_title_is_published() {
    for (format, file) in FIXTURES.into_iter().filter(|(format, _)| *format != Format::Action) {
        for Published { value, .. } in run(format, file).1 {
            assert!(!value.contains("@example.org") && !value.contains("Course 9"), "{value}");
        }
    }
}
