//! A publisher that keeps what it was given, and how the tests feed it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use adapters::{Adapter, Control, Format, Input, Lists, Publish, Settings, Summary, feed};

/// One published record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Published {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Default)]
pub(crate) struct Kept(pub(crate) Vec<Published>);

impl Publish for Kept {
    type Error = Infallible;

    fn publish(&mut self, key: &[u8], value: &[u8], headers: &[(&str, &[u8])]) -> Result<(), Infallible> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("actions are text");
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        self.0.push(Published { key: text(key), value: text(value), headers });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The adapter of a format for tenant `acme`.
pub(crate) fn adapter(format: Format) -> Adapter {
    let tenant = (format != Format::Action).then(|| "acme".parse().expect("a tenant"));
    Adapter::new(format, Settings { tenant, ..Settings::default() }).expect("the settings suffice")
}

/// The adapter of Moodle, with a list of roles.
pub(crate) fn moodle_with_roles(roles: &[&str]) -> Adapter {
    let roles: BTreeSet<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let lists = Lists::from([("course_admin_role_ids".to_owned(), roles)]);
    let mapping = Format::Moodle.mapping().map(|mapping| mapping.with_lists(lists));
    let tenant = Some("acme".parse().expect("a tenant"));
    Adapter::new(Format::Moodle, Settings { tenant, mapping, ..Settings::default() }).expect("they suffice")
}

/// Feeds bytes under a name.
pub(crate) fn feed_bytes(adapter: &Adapter, name: &str, bytes: &[u8]) -> (Summary, Vec<Published>) {
    let never = AtomicBool::new(false);
    let mut kept = Kept::default();
    let input = Input::from_reader(name, Cursor::new(bytes.to_vec()), Some(bytes.len() as u64));
    let summary = feed(adapter, input, &mut kept, Control::new(&never), |_| ()).expect("it can be fed");
    (summary, kept.0)
}

/// A file of the fixtures' folder.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Every format with its fixture.
pub(crate) const FIXTURES: [(Format, &str); 4] = [
    (Format::Action, "action.jsonl"),
    (Format::Openedx, "openedx.log"),
    (Format::Moodle, "moodle.jsonl"),
    (Format::Learn365, "learn365.jsonl"),
];
