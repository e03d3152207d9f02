//! What a stage reads before its first action, and what it does with that.

use catalog::Topic;
use stage::{Changelog, Millis, Outcome, ReadFrom, RestorePoint, StageError};

use super::log::{Spec, certificate_expired, record};
use super::world::{COUNT, HOUR, Kept, NOW, Owned, coverage, home, process, restored, stage_of, transaction};
use crate::topic_index;

/// The default window, in milliseconds.
const WINDOW: i64 = 35 * 24 * HOUR;

#[test]
fn events_and_receipts_are_read_a_window_and_an_hour_back_and_settings_whole() {
    let at = |time| ReadFrom::Time(Millis::new(time));
    let points = [
        (Some(Millis::new(NOW)), at(NOW - WINDOW - HOUR), at(NOW)),
        (None, ReadFrom::Start, ReadFrom::Start),
    ];
    for (time, from, from_now) in points {
        let expected = [
            (Topic::Settings, ReadFrom::Start),
            (Topic::Events, from),
            (Topic::Receipts, from),
            (Topic::DeadLetters, from_now),
        ]
        .map(|(topic, from)| Changelog { topic: topic_index(topic), from });
        assert_eq!(stage_of(home()).changelogs(RestorePoint { time }), expected);
    }
}

#[test]
fn what_is_just_within_the_window_of_a_clock_that_steps_back_is_still_a_duplicate_after_a_restart() {
    for (apart, outcome) in [(WINDOW - 1, Outcome::Skip("duplicate")), (WINDOW, emitted())] {
        let (mut stage, mut sink) = (stage_of(home()), Kept::default());
        transaction(stage.as_mut(), &[Spec::default().record()], &mut sink);
        let again = Owned { timestamp: NOW + apart, ..Spec::default().record() };
        // An unread action that was received an hour later lies before it.
        let point = RestorePoint { time: Some(Millis::new(NOW + apart + HOUR)) };
        let mut stage = restored(home(), &sink, point);
        let other = Owned { timestamp: NOW + apart + HOUR, ..certificate_expired().record() };
        process(stage.as_mut(), &other, &mut sink);
        assert_eq!(process(stage.as_mut(), &again, &mut sink), outcome, "{apart} ms apart");
    }
}

/// The clock of the log is what drops entries, and what drops them must be the same after a restart.
#[test]
fn a_dead_letter_that_the_clock_stepped_back_after_counts_for_the_clock_after_a_restart() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let again = Owned { offset: 3, timestamp: NOW + WINDOW - HOUR, ..Spec::default().record() };
    let ahead = Owned { offset: 1, timestamp: NOW + WINDOW + 2 * HOUR, ..record(None) };
    let back = Owned { offset: 2, timestamp: again.timestamp, ..certificate_expired().record() };
    // What is delivered again is within the window of the first, but not of where the clock has been.
    transaction(stage.as_mut(), &[Spec::default().record(), ahead, back], &mut sink);
    let marker = Owned { timestamp: NOW + 9 * WINDOW, topic: Topic::DeadLetters, ..record(None) };
    sink.0.push(marker);
    let point = RestorePoint { time: Some(Millis::new(again.timestamp)) };
    let mut restored = restored(home(), &sink, point);
    for stage in [&mut stage, &mut restored] {
        assert_eq!(process(stage.as_mut(), &again, &mut Kept::default()), emitted());
    }
}

fn emitted() -> Outcome {
    Outcome::Emit { class: "course-and-training-plan", occurred_at: Millis::new(NOW - 1_000) }
}

#[test]
fn coverage_comes_back_and_a_tombstone_takes_it() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    let cover = coverage(&record(None));
    stage.cover(&cover, Millis::new(NOW + 3), &mut sink).expect("it is written");
    let sent = sink.0[0].clone();
    assert_eq!((sent.topic, sent.partition, sent.timestamp), (Topic::Ledger, home(), NOW + 3));
    assert_eq!(sent.key_text(), format!("~coverage/normalizer/{}", home()));
    let point = RestorePoint { time: None };
    assert_eq!(restored(home(), &sink, point).coverage(), Some(&cover));
    let elsewhere = restored((home() + 1) % COUNT, &sink, point);
    assert_eq!(elsewhere.coverage(), None);
    sink.0.push(Owned { value: None, ..sent });
    assert_eq!(restored(home(), &sink, point).coverage(), None);
}

#[test]
fn what_cannot_be_restored_stops_the_stage_and_says_where() {
    let mut stage = stage_of(home());
    for (topic, key, bytes, message) in [
        (Topic::Events, "acme", Some(&b"{"[..]), "restore from lms.audit.events.v1 partition"),
        (Topic::Receipts, "acme", None, "restore from lms.audit.receipts.v1 partition"),
        (Topic::Ledger, "k", Some(b"x"), "restore from lms.audit.ledger.v1 partition"),
        (Topic::Settings, "k", Some(b"x"), "restore from lms.audit.settings.v1 partition"),
        (Topic::Actions, "k", Some(b"x"), "restore from lms.actions.v1 partition"),
    ] {
        let record = Owned { key: Some(key.into()), value: bytes.map(Into::into), ..record(None) };
        let error = stage.restore(topic_index(topic), &record.record()).expect_err("it cannot be read");
        assert!(matches!(&error, StageError::Stop(text) if text.starts_with(message)), "{error:?}");
    }
}

#[test]
fn a_ledger_row_that_was_removed_does_not_come_back() {
    let (mut stage, mut sink) = (stage_of(home()), Kept::default());
    transaction(stage.as_mut(), &[Spec::default().record()], &mut sink);
    let (key, row) = sink.rows(Topic::Ledger).pop_first().expect("one account");
    let rows = |sink: &Kept| restored(home(), sink, RestorePoint { time: None }).rows()[1];
    assert_eq!((key.as_str(), rows(&sink)), ("acme/lms.web/2026-11-02T09", ("ledger", 1)));
    sink.0.push(Owned { value: None, ..row });
    assert_eq!(rows(&sink), ("ledger", 0));
}
