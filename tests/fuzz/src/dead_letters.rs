//! What a dead letter says of itself, in headers that anybody could have written.

use pipeline::dead_letter::{Failure, headers};
use pipeline::replay::Marker;
use stage::{Header, Millis, Offset, Partition, Record};

use crate::blocks::Block;

/// Reads the headers; what they say, said again, is read alike, and the headers before it do not matter.
pub(crate) fn body(data: &[u8]) {
    let block = Block::read(data);
    let mut record = Record {
        partition: Partition::new(0),
        offset: Offset::new(0),
        timestamp: Millis::new(0),
        key: None,
        value: block.value,
        headers: block.headers,
    };
    let found = Failure::read(&record);
    assert_eq!(Failure::read(&record), found);
    let Some(failure) = found else { return marker(&record) };
    let (partition, offset) = (failure.partition.to_string(), failure.offset.to_string());
    let timestamp = failure.timestamp.get().to_string();
    for (name, value) in [
        (headers::TOPIC, failure.topic),
        (headers::PARTITION, &partition),
        (headers::OFFSET, &offset),
        (headers::REASON, failure.reason.name()),
        (headers::MESSAGE, failure.message),
        (headers::STAGE, failure.stage),
        (headers::TIMESTAMP, &timestamp),
    ] {
        record.headers.push(Header::new(name, Some(value.as_bytes())));
    }
    assert_eq!(Failure::read(&record).as_ref(), Some(&failure), "said again, it is something else");
}

/// What is no dead letter may be the marker of one that was published again: it is written as it was read.
fn marker(record: &Record<'_>) {
    let Some(marker) = Marker::read(record) else { return };
    marker.with_headers(|headers| {
        let again = Record { headers: headers.to_vec(), ..record.clone() };
        assert_eq!(Marker::read(&again).as_ref(), Some(&marker), "said again, it is something else");
    });
}
