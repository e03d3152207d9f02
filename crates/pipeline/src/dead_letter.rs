//! A dead letter: the action's record as it was, and headers that say what failed and where.
//!
//! Beside dead letters their topic holds markers of those that were published again
//! ([`crate::replay::Marker`]), of which [`Failure::read`] reads nothing: they stand for no action.

use catalog::Reason;
use stage::{Header, Millis, Offset, Partition, Record};

/// Headers of every dead letter, after those the action had.
pub mod headers {
    /// The topic the action lies in.
    pub const TOPIC: &str = "__dlq.errors.topic";
    /// Its partition there.
    pub const PARTITION: &str = "__dlq.errors.partition";
    /// Its offset there.
    pub const OFFSET: &str = "__dlq.errors.offset";
    /// The reason, of the closed set of nine.
    pub const REASON: &str = "__dlq.errors.reason";
    /// What is wrong, for people; names fields, never their content.
    pub const MESSAGE: &str = "__dlq.errors.message";
    /// The stage that rejected it.
    pub const STAGE: &str = "__dlq.errors.stage";
    /// The action's broker time, milliseconds since the epoch.
    pub const TIMESTAMP: &str = "__dlq.errors.timestamp";
}

/// A message longer than this many bytes is cut: with key and headers it must fit the 64 KiB that
/// topics allow beside a value.
const MESSAGE_BYTES: usize = 1024;

/// What a dead letter says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The topic the action lies in.
    pub topic: &'a str,
    /// Its partition there.
    pub partition: Partition,
    /// Its offset there.
    pub offset: Offset,
    /// Why it was rejected.
    pub reason: Reason,
    /// Why, for people.
    pub message: &'a str,
    /// The stage that rejected it.
    pub stage: &'a str,
    /// Its broker time.
    pub timestamp: Millis,
}

impl<'a> Failure<'a> {
    /// Why this record of a topic was rejected; a message that is too long is cut.
    #[must_use]
    pub fn of(topic: &'a str, record: &Record<'_>, reason: Reason, message: &'a str, stage: &'a str) -> Self {
        let message = &message[..message.floor_char_boundary(MESSAGE_BYTES)];
        let (partition, offset, timestamp) = (record.partition, record.offset, record.timestamp);
        Self { topic, partition, offset, reason, message, stage, timestamp }
    }

    /// What the headers of a dead letter say; `None` where one is missing or cannot be read. The
    /// last of a name counts, so a dead letter that was published again speaks of its latest failure.
    #[must_use]
    pub fn read(record: &Record<'a>) -> Option<Self> {
        let text = |name| str::from_utf8(record.header(name)?).ok();
        Some(Self {
            topic: text(headers::TOPIC)?,
            partition: Partition::new(text(headers::PARTITION)?.parse().ok()?),
            offset: Offset::new(text(headers::OFFSET)?.parse().ok()?),
            reason: Reason::from_name(text(headers::REASON)?)?,
            message: text(headers::MESSAGE)?,
            stage: text(headers::STAGE)?,
            timestamp: Millis::new(text(headers::TIMESTAMP)?.parse().ok()?),
        })
    }

    /// Calls `send` with the action's headers, then those that say this, then other facts.
    pub(crate) fn with_headers(
        &self,
        original: &[Header<'_>],
        facts: &[(&str, String)],
        send: impl FnOnce(&[Header<'_>]),
    ) {
        let (partition, offset) = (self.partition.to_string(), self.offset.to_string());
        let timestamp = self.timestamp.get().to_string();
        let added = [
            (headers::TOPIC, self.topic),
            (headers::PARTITION, &partition),
            (headers::OFFSET, &offset),
            (headers::REASON, self.reason.name()),
            (headers::MESSAGE, self.message),
            (headers::STAGE, self.stage),
            (headers::TIMESTAMP, &timestamp),
        ];
        let added = added.map(|(name, value)| Header::new(name, Some(value.as_bytes())));
        let facts = facts.iter().map(|(name, value)| Header::new(name, Some(value.as_bytes())));
        let all: Vec<_> = original.iter().copied().chain(added).chain(facts).collect();
        send(&all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(headers: &[Header<'a>]) -> Record<'a> {
        Record {
            partition: Partition::new(2),
            offset: Offset::new(17),
            timestamp: Millis::new(1_793_610_844_000),
            key: None,
            value: None,
            headers: headers.to_vec(),
        }
    }

    #[test]
    fn what_a_dead_letter_says_is_read_as_it_was_written_after_what_the_action_had() {
        let original = [Header::new("k", None), Header::new(headers::REASON, Some(b"of an earlier life"))];
        let failure =
            Failure::of("lms.actions.v1", &record(&[]), Reason::MissingField, "id is missing", "normalizer");
        let facts = [("f", "1".to_owned())];
        failure.with_headers(&original, &facts, |all| {
            assert_eq!(all[9], Header::new("f", Some(b"1")));
            assert_eq!(all[..2], original);
            assert_eq!(Failure::read(&record(all)).as_ref(), Some(&failure));
            assert_eq!(Failure::read(&record(&all[..8])), None);
        });
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(MESSAGE_BYTES);
        let odd = format!("x{long}");
        for message in [&long, &odd] {
            let record = record(&[]);
            let cut = Failure::of("t", &record, Reason::Malformed, message, "s").message;
            assert!(message.starts_with(cut) && (MESSAGE_BYTES - 1..=MESSAGE_BYTES).contains(&cut.len()));
        }
    }
}
