//! Dead letters published again: the header the action then carries, and the marker that lies beside
//! the dead letter from then on; both are written in one transaction.

use stage::{Header, Offset, Partition, Record};

use crate::dead_letter::Failure;

/// The header of an action that was a dead letter before; its value is `partition:offset` of that
/// dead letter, decimal. The ledger counts an action that carries it as `replayed`, whatever its value: that
/// is what whoever published it says, and nothing else depends on it. What was replayed the markers tell.
pub const REPLAY_HEADER: &str = "__lms.replay";

/// Headers of a marker.
pub mod headers {
    /// The dead letter that was published again, `partition:offset` in the marker's own topic.
    pub const OF: &str = "__dlq.replay.of";
    /// The partition of the actions topic it was published to.
    pub const TO_PARTITION: &str = "__dlq.replay.to_partition";
    /// The tenant it was published for.
    pub const TENANT: &str = "__dlq.replay.tenant";
    /// The id it was published under.
    pub const ID: &str = "__dlq.replay.id";
}

/// A dead letter was published again.
///
/// A marker is a record of the dead-letter topic, in the dead letter's own partition and behind it:
/// no value, the dead letter's key, the headers of [`headers`] and none of
/// [`crate::dead_letter::headers`]. Its timestamp is that of the replay, so that it outlives the
/// dead letter. It stands for no action: whoever counts dead letters passes over what
/// [`Marker::read`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    /// Where the dead letter lies.
    pub of: (Partition, Offset),
    /// The partition of the actions topic it was published to.
    pub to_partition: Partition,
    /// The tenant it was published for.
    pub tenant: &'a str,
    /// The action id it was published under, of a long one its beginning; empty where it has none that can
    /// be read.
    pub id: &'a str,
}

impl<'a> Marker<'a> {
    /// What a record of the dead-letter topic says if it is a marker. A dead letter never is one:
    /// headers of a marker that its action brought along do not count beside those of a failure.
    #[must_use]
    pub fn read(record: &Record<'a>) -> Option<Self> {
        if Failure::read(record).is_some() {
            return None;
        }
        let text = |name| str::from_utf8(record.header(name)?).ok();
        Some(Self {
            of: read_place(text(headers::OF)?)?,
            to_partition: Partition::new(text(headers::TO_PARTITION)?.parse().ok()?),
            tenant: text(headers::TENANT)?,
            id: text(headers::ID)?,
        })
    }

    /// Calls `send` with the marker's headers.
    pub fn with_headers(&self, send: impl FnOnce(&[Header<'_>])) {
        let (of, to) = (write_place(self.of), self.to_partition.to_string());
        let all = [
            (headers::OF, of.as_str()),
            (headers::TO_PARTITION, &to),
            (headers::TENANT, self.tenant),
            (headers::ID, self.id),
        ];
        send(&all.map(|(name, value)| Header::new(name, Some(value.as_bytes()))));
    }
}

/// A place in the dead-letter topic as headers and people write it: `partition:offset`.
#[must_use]
pub fn write_place((partition, offset): (Partition, Offset)) -> String {
    format!("{partition}:{offset}")
}

/// The place that [`write_place`] wrote; `None` for anything else.
#[must_use]
pub fn read_place(text: &str) -> Option<(Partition, Offset)> {
    let (partition, offset) = text.split_once(':')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(partition) || !digits(offset) {
        return None;
    }
    Some((Partition::new(partition.parse().ok()?), Offset::new(offset.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::Reason;
    use stage::Millis;

    fn record<'a>(headers: &[Header<'a>]) -> Record<'a> {
        Record {
            partition: Partition::new(2),
            offset: Offset::new(40),
            timestamp: Millis::new(0),
            key: None,
            value: None,
            headers: headers.to_vec(),
        }
    }

    #[test]
    fn a_marker_is_read_as_it_was_written_and_a_dead_letter_is_none() {
        let of = (Partition::new(2), Offset::new(17));
        let marker = Marker { of, to_partition: Partition::new(1), tenant: "acme", id: "a-1" };
        marker.with_headers(|written| {
            assert_eq!(Marker::read(&record(written)).as_ref(), Some(&marker));
            assert_eq!(Failure::read(&record(written)), None);
            for missing in 0..written.len() {
                let mut fewer = written.to_vec();
                fewer.remove(missing);
                assert_eq!(Marker::read(&record(&fewer)), None);
            }
            // An action may bring a marker's headers along; its dead letter is one all the same.
            let failure =
                Failure::of("lms.actions.v1", &record(&[]), Reason::Malformed, "no JSON", "normalizer");
            failure.with_headers(written, &[], |all| {
                assert_eq!(Marker::read(&record(all)), None);
                assert_eq!(Failure::read(&record(all)).as_ref(), Some(&failure));
            });
        });
    }

    #[test]
    fn places() {
        assert_eq!(read_place("2:17"), Some((Partition::new(2), Offset::new(17))));
        assert_eq!(write_place((Partition::new(2), Offset::new(17))), "2:17");
        for text in ["", "2", "2:", ":17", "2:-1", "+2:17", "2:17:1", "2/17", "99999999999:1"] {
            assert_eq!(read_place(text), None, "{text}");
        }
    }
}
