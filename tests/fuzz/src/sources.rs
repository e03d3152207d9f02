//! Foreign logs and the mappings that read them: the same line gives the same actions, and each of them is an action.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use adapters::{
    Adapter, Control, Event, Format, Input, Line, Lists, Mapping, Publish, Settings, Summary,
    feed as feed_input,
};
use catalog::{Action, Field};
use codec::{Codec, Decoder, action_json};

thread_local! {
    static ADAPTERS: [Adapter; 4] = Format::ALL.map(|format| adapter(format, None));
    static DECODER: Decoder = Codec::single_object().decoder();
}

/// A line of an Open edX tracking log.
pub(crate) fn openedx(data: &[u8]) {
    parse(Format::Openedx, data);
}

/// A row of Moodle's log.
pub(crate) fn moodle(data: &[u8]) {
    parse(Format::Moodle, data);
}

/// A webhook body of Learn365.
pub(crate) fn learn365(data: &[u8]) {
    parse(Format::Learn365, data);
}

/// What PHP serialized, in the column `other` of a row that an enrolment makes.
pub(crate) fn moodle_php(data: &[u8]) {
    let other = String::from_utf8_lossy(data);
    let row = serde_json::json!({
        "id": "7", "eventname": "\\core\\event\\user_enrolment_created", "component": "core", "action": "created",
        "target": "user_enrolment", "objecttable": "user_enrolments", "objectid": "5", "crud": "c", "edulevel": "0",
        "contextid": "9", "contextlevel": "50", "contextinstanceid": "4", "userid": "2", "courseid": "4",
        "relateduserid": "17", "anonymous": "0", "other": other, "timecreated": "1793610843", "origin": "web",
    });
    parse(Format::Moodle, row.to_string().as_bytes());
}

/// A file of any format: the first byte chooses which, the second how it is cut into chunks, which changes nothing.
pub(crate) fn feed(data: &[u8]) {
    let [format, chunk, file @ ..] = data else { return };
    let format = Format::ALL[usize::from(*format) % Format::ALL.len()];
    let (summary, published) = fed(format, file, usize::MAX);
    let (cut, published_cut) = fed(format, file, usize::from(*chunk) + 1);
    assert_eq!((&summary, &published), (&cut, &published_cut), "chunks change what a file holds");
    assert_eq!(summary.bytes, file.len() as u64, "not all of the file is accounted for");
    assert_eq!(summary.published, published.len() as u64);
}

/// An operator's mapping, over Moodle's and alone: an error says where it is; what can be read reads the rows of a log.
pub(crate) fn mapping(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lists = Lists::from([("roles".to_owned(), BTreeSet::from(["1".to_owned()]))]);
    let builtin = Format::Moodle.mapping().expect("moodle has a mapping");
    for read in [Mapping::parse("own.tsv", &text), builtin.with_overrides("own.tsv", &text, lists)] {
        match read {
            Err(error) => {
                assert!((1..=text.lines().count().max(1)).contains(&error.line), "{error}");
                assert_eq!(error.file, "own.tsv");
            }
            Ok(mapping) => {
                let adapter = adapter(Format::Moodle, Some(mapping));
                for line in include_str!("../../../crates/adapters/fixtures/moodle.jsonl").lines() {
                    check(&adapter, line.as_bytes());
                }
            }
        }
    }
}

fn adapter(format: Format, mapping: Option<Mapping>) -> Adapter {
    let tenant = (format != Format::Action).then(|| "acme".parse().expect("a tenant"));
    let settings = Settings { tenant, mapping, ..Settings::default() };
    Adapter::new(format, settings).expect("the settings suffice")
}

fn parse(format: Format, line: &[u8]) {
    let place = Format::ALL.iter().position(|one| *one == format).expect("it is one of all");
    ADAPTERS.with(|adapters| check(&adapters[place], line));
}

/// Reads a line, twice alike; each action it makes is one that the normalizer can read, with nothing invalid in it.
fn check(adapter: &Adapter, line: &[u8]) {
    let found = adapter.parse(line);
    assert_eq!(adapter.parse(line), found, "read twice, it is something else");
    let Line::Events { events, .. } = found else { return };
    for event in &events {
        let Event::Mapped { actions, .. } = event else { continue };
        let ids: BTreeSet<_> = actions.iter().map(|action| &action.id).collect();
        assert_eq!(ids.len(), actions.len(), "two actions of one event have one id");
        actions.iter().for_each(published);
    }
}

fn published(action: &Action<'_>) {
    let json = action_json(action);
    let read = DECODER.with(|decoder| {
        decoder.action(Some(&json), &[]).map(|read| {
            let texts = [&read.id, &read.source, &read.action].map(|field| field.present().is_some());
            (texts, read.occurred_at == Field::Present(action.occurred_at), read.user.present().is_some())
        })
    });
    let (texts, at, user) = read.unwrap_or_else(|error| panic!("the action cannot be read: {error}"));
    assert!(texts == [true; 3] && at, "a field is missing or another");
    assert_eq!(user, action.user.is_some());
}

/// One published record: key, value, headers.
type Record = (Vec<u8>, Vec<u8>, Vec<(String, Vec<u8>)>);

#[derive(Default)]
struct Published(Vec<Record>);

impl Publish for Published {
    type Error = Infallible;

    fn publish(&mut self, key: &[u8], value: &[u8], headers: &[(&str, &[u8])]) -> Result<(), Infallible> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        self.0.push((key.to_vec(), value.to_vec(), headers));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn fed(format: Format, file: &[u8], chunk: usize) -> (Summary, Vec<Record>) {
    let never = AtomicBool::new(false);
    let mut published = Published::default();
    let reader = Chunks { rest: file.to_vec(), at: 0, chunk };
    let input = Input::from_reader("file", reader, Some(file.len() as u64));
    let place = Format::ALL.iter().position(|one| *one == format).expect("it is one of all");
    let control = Control::new(&never).with_value_limit(4096);
    let summary =
        ADAPTERS.with(|adapters| feed_input(&adapters[place], input, &mut published, control, |_| ()));
    (summary.unwrap_or_else(|error| panic!("memory can be read: {error}")), published.0)
}

/// A reader that gives few bytes at a time.
struct Chunks {
    rest: Vec<u8>,
    at: usize,
    chunk: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = &self.rest[self.at..];
        let most = buffer.len().min(self.chunk);
        let count = rest.read(&mut buffer[..most])?;
        self.at += count;
        Ok(count)
    }
}
