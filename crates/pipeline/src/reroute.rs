//! The header that a re-routed action carries: where it lay, and by how many partitions it moved.

use normalizer::Rerouted;
use stage::{Offset, Partition, PartitionCount, Record};

/// The header's name; its value is `partition/offset/count`, decimal.
pub const REROUTE_HEADER: &str = "__lms.reroute";

/// The value for an action that is moved from here.
pub(crate) fn write(from: &Rerouted) -> String {
    format!("{}/{}/{}", from.partition, from.offset, from.count.get())
}

/// What the last such header of a record says. One that cannot be read is none of ours: the action
/// may still move once.
pub(crate) fn read(record: &Record<'_>) -> Option<Rerouted> {
    let text = str::from_utf8(record.header(REROUTE_HEADER)?).ok()?;
    let mut parts = text.split('/');
    let partition = Partition::new(parts.next()?.parse().ok()?);
    let offset = Offset::new(parts.next()?.parse().ok()?);
    let count = PartitionCount::new(parts.next()?.parse().ok()?)?;
    parts.next().is_none().then_some(Rerouted { partition, offset, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::{Header, Millis};

    fn check(values: &[Option<&str>], expected: Option<(u32, i64, u32)>) {
        let headers = values.iter().map(|value| Header::new(REROUTE_HEADER, value.map(str::as_bytes)));
        let record = Record {
            partition: Partition::new(0),
            offset: Offset::new(0),
            timestamp: Millis::new(0),
            key: None,
            value: None,
            headers: headers.collect(),
        };
        let found = read(&record);
        let expected = expected.map(|(partition, offset, count)| Rerouted {
            partition: Partition::new(partition),
            offset: Offset::new(offset),
            count: PartitionCount::new(count).expect("at least one"),
        });
        assert_eq!(found, expected, "{values:?}");
        if let (Some(found), [Some(only)]) = (found, values) {
            assert_eq!(write(&found), *only);
        }
    }

    #[test]
    fn the_header_is_read_as_it_was_written_and_nothing_else_is() {
        check(&[Some("3/17/12")], Some((3, 17, 12)));
        check(&[Some("3/17/12"), Some("4/0/1")], Some((4, 0, 1)));
        check(&[], None);
        for other in [None, Some(""), Some("3/17"), Some("3/17/0"), Some("3/17/12/1"), Some("a/17/12")] {
            check(&[other], None);
        }
    }
}
