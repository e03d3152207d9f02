//! Records of topics that only the trail writes which are none of ours: told of and passed over, so
//! that one of them does not keep the rest from being judged.

use std::cell::RefCell;

use anyhow::Context as _;
use catalog::Topic;
use codec::DecodeError;
use stage::Record;

use super::findings::{Finding, Findings, What};

/// What a record says; `None` with a finding where it cannot be read.
///
/// # Errors
/// When the schema registry does not answer: nothing is known about the record.
pub(super) fn or_foreign<T>(
    read: Result<Option<T>, DecodeError>,
    topic: Topic,
    record: &Record<'_>,
    found: &RefCell<Findings>,
) -> anyhow::Result<Option<T>> {
    let (partition, offset) = (record.partition.number(), record.offset.number());
    let problem = match read {
        Ok(read) => return Ok(read),
        Err(error @ DecodeError::Unavailable(_)) => {
            let place = || format!("{} partition {partition} offset {offset}", topic.name());
            return Err(error).with_context(place);
        }
        Err(DecodeError::Malformed(problem) | DecodeError::UnknownSchema(problem)) => problem,
    };
    let key = record.key.map_or_else(String::new, |key| String::from_utf8_lossy(key).into_owned());
    let detail = format!("it cannot be read: {problem}; see deploy/foreign-record.md");
    found.borrow_mut().add(Finding::new(What::Foreign, topic, key, detail).of(partition).at(offset));
    Ok(None)
}
