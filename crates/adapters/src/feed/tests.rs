//! Feeding: every line is counted once, limits, stopping, and a publisher that fails.

use std::convert::Infallible;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::adapter::{Format, Settings};
use crate::summary::Place;

#[derive(Default)]
struct Kept {
    records: Vec<(Vec<u8>, Vec<u8>, usize)>,
    flushes: usize,
}

impl Publish for Kept {
    type Error = Infallible;

    fn publish(&mut self, key: &[u8], value: &[u8], headers: &[(&str, &[u8])]) -> Result<(), Infallible> {
        self.records.push((key.to_vec(), value.to_vec(), headers.len()));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.flushes += 1;
        Ok(())
    }
}

fn moodle() -> Adapter {
    let tenant = Some(catalog::TenantId::try_from("acme").expect("valid"));
    Adapter::new(Format::Moodle, Settings { tenant, ..Settings::default() }).expect("the settings suffice")
}

fn input(text: &str) -> Input {
    Input::from_reader("rows.jsonl", Cursor::new(text.to_owned()), Some(text.len() as u64))
}

fn started(id: u32) -> String {
    format!(
        r#"{{"id":{id},"eventname":"\\mod_quiz\\event\\attempt_started","timecreated":1793610843,"userid":17,"relateduserid":17,"objectid":4}}"#
    )
}

#[test]
fn every_line_is_counted_once() {
    let text = format!(
        "{}\n\n{{\"eventname\":\"\\\\core\\\\event\\\\user_loggedin\"}}\n{}\r\n{{}}\n{{\"id\":1,\"eventname\":\"\\\\core\\\\event\\\\course_created\",\"timecreated\":1}}",
        started(1),
        "x".repeat(3000)
    );
    let never = AtomicBool::new(false);
    let control = Control { line_limit: 2000, ..Control::new(&never) };
    let mut kept = Kept::default();
    let mut told = Vec::new();
    let summary =
        feed(&moodle(), input(&text), &mut kept, control, |progress| told.push(progress)).expect("fed");
    let Summary { lines, blank, mapped, unmapped, unreadable, incomplete, published, bytes, .. } = summary;
    assert_eq!((lines, blank, mapped, unmapped, unreadable, incomplete), (6, 1, 1, 1, 2, 1));
    assert_eq!((published, bytes, kept.records.len(), kept.flushes), (1, text.len() as u64, 1, 1));
    assert_eq!(kept.records[0].0, b"acme");
    let places: Vec<_> = summary.first_unreadable.iter().map(|one| one.line).collect();
    assert_eq!(places, [4, 5]);
    assert!(!summary.is_clean());
    let last = told.last().expect("the end is told");
    assert_eq!((last.bytes, last.total, last.lines), (bytes, Some(bytes), 6));
}

#[test]
fn a_higher_limit_of_values_takes_longer_lines_with_it_and_a_lower_one_does_not() {
    let never = AtomicBool::new(false);
    for (value, line) in [(1 << 10, 2 << 20), (1 << 20, 2 << 20), (12 << 20, 24 << 20)] {
        let control = Control::new(&never).with_value_limit(value);
        assert_eq!((control.value_limit, control.line_limit), (value, line));
    }
}

#[test]
fn a_value_over_the_limit_is_reported_and_not_published() {
    let never = AtomicBool::new(false);
    let control = Control { value_limit: 100, ..Control::new(&never) };
    let mut kept = Kept::default();
    let summary = feed(&moodle(), input(&started(1)), &mut kept, control, |_| ()).expect("fed");
    assert_eq!((summary.unreadable, summary.mapped, kept.records.len()), (1, 0, 0));
}

/// Sets the flag while the line with this number is published.
struct Stopping<'a> {
    cancel: &'a AtomicBool,
    at: usize,
    taken: usize,
}

impl Publish for Stopping<'_> {
    type Error = Infallible;

    fn publish(&mut self, _: &[u8], _: &[u8], _: &[(&str, &[u8])]) -> Result<(), Infallible> {
        self.taken += 1;
        self.cancel.store(self.taken == self.at, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn it_stops_after_a_line_and_says_where() {
    let text: String = (0..10).map(|id| started(id) + "\n").collect();
    let cancel = AtomicBool::new(false);
    let mut publish = Stopping { cancel: &cancel, at: 3, taken: 0 };
    let summary = feed(&moodle(), input(&text), &mut publish, Control::new(&cancel), |_| ()).expect("fed");
    let length = started(0).len() as u64 + 1;
    assert_eq!(summary.stopped, Some(Place { line: 3, byte: 3 * length }));
    assert_eq!((summary.lines, summary.published), (3, 3));
    assert!(summary.to_string().contains("stopped after line 3"), "{summary}");
}

#[derive(Debug, thiserror::Error)]
#[error("the broker is gone")]
struct Gone;

struct Failing(u32);

impl Publish for Failing {
    type Error = Gone;

    fn publish(&mut self, _: &[u8], _: &[u8], _: &[(&str, &[u8])]) -> Result<(), Gone> {
        self.0 = self.0.checked_sub(1).ok_or(Gone)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Gone> {
        if self.0 > 0 { Err(Gone) } else { Ok(()) }
    }
}

/// What an error and its causes say, each once.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

#[test]
fn a_publisher_that_fails_ends_it_with_the_place() {
    let text = started(1) + "\n" + &started(2) + "\n";
    let never = AtomicBool::new(false);
    let error =
        feed(&moodle(), input(&text), &mut Failing(1), Control::new(&never), |_| ()).expect_err("it fails");
    let length = started(1).len() + 1;
    assert_eq!(
        chain(&error),
        [&*format!("publishing rows.jsonl failed by line 2, byte {length}"), "the broker is gone"]
    );
    let error =
        feed(&moodle(), input(&text), &mut Failing(9), Control::new(&never), |_| ()).expect_err("it fails");
    assert!(matches!(error, FeedError::Publish { summary, .. } if summary.published == 2));
}

#[test]
fn a_reader_that_fails_ends_it_with_the_place() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let text = started(1) + "\n";
    let reader = Cursor::new(text.clone()).chain(Broken);
    let never = AtomicBool::new(false);
    let input = Input::from_reader("rows.jsonl", reader, None);
    let mut kept = Kept::default();
    let error = feed(&moodle(), input, &mut kept, Control::new(&never), |_| ()).expect_err("it fails");
    let place = format!("reading rows.jsonl failed after line 1, byte {}", text.len());
    assert_eq!((chain(&error), kept.flushes), (vec![place, "the disk is gone".into()], 1));
}

#[test]
fn actions_are_passed_on_byte_for_byte() {
    let plain = r#"{ "tenant" : "acme", "id": "a-1", "unknown": [1.0] }"#;
    let event = r#"{"specversion":"1.0","id":"a-2","source":"s","type":"course.started","tenant":"zeta"}"#;
    let text = format!("{plain}\r\n{event}\n{{\"id\":\"a-3\"}}\nnot json\n");
    let never = AtomicBool::new(false);
    let adapter = Adapter::new(Format::Action, Settings::default()).expect("it needs none");
    let mut kept = Kept::default();
    let summary = feed(&adapter, input(&text), &mut kept, Control::new(&never), |_| ()).expect("fed");
    let expected = [("acme", plain, 0), ("zeta", event, 1), ("", "{\"id\":\"a-3\"}", 0)];
    let expected = expected.map(|(key, value, headers)| (key.into(), value.into(), headers));
    assert_eq!(kept.records, expected);
    assert_eq!((summary.mapped, summary.unreadable), (3, 1));
}

#[test]
fn a_file_that_is_not_there_cannot_be_opened() {
    assert!(Input::open(Path::new("/no/such/file")).is_err());
    assert!(Input::open(Path::new("/")).is_err());
}
