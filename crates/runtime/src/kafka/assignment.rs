//! Reads what a member of a group was given, as the group's leader wrote it (the consumer protocol's assignment, KIP-429).

use stage::Partition;

/// The partitions of this topic in an assignment: a version, then topics, each with its partitions, all big-endian; what follows
/// is the assignor's own. A member that was given nothing may have no bytes at all. `None` where the bytes are no assignment.
pub(super) fn read(mut bytes: &[u8], topic: &str) -> Option<Vec<Partition>> {
    let mut owned = Vec::new();
    if bytes.is_empty() {
        return Some(owned);
    }
    take::<2>(&mut bytes)?;
    for _ in 0..length(&mut bytes)? {
        let name_length = usize::try_from(i16::from_be_bytes(take(&mut bytes)?)).ok()?;
        let (name, rest) = bytes.split_at_checked(name_length)?;
        bytes = rest;
        for _ in 0..length(&mut bytes)? {
            let partition = u32::try_from(i32::from_be_bytes(take(&mut bytes)?)).ok()?;
            if name == topic.as_bytes() {
                owned.push(Partition::new(partition));
            }
        }
    }
    Some(owned)
}

fn length(bytes: &mut &[u8]) -> Option<u32> {
    u32::try_from(i32::from_be_bytes(take(bytes)?)).ok()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[u8] = b"\x00\x01\x00\x00\x00\x02\x00\x01a\x00\x00\x00\x01\x00\x00\x00\x07\
        \x00\x02in\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02\xff\xff\xff\xff";

    #[test]
    fn the_partitions_of_one_topic_are_read() {
        let partitions = |all: &[u32]| Some(all.iter().copied().map(Partition::new).collect::<Vec<_>>());
        assert_eq!(read(BOTH, "in"), partitions(&[0, 2]));
        assert_eq!(read(BOTH, "a"), partitions(&[7]));
        assert_eq!(read(BOTH, "other"), partitions(&[]));
        assert_eq!(read(b"", "in"), partitions(&[]));
    }

    #[test]
    fn what_is_cut_or_negative_is_no_assignment() {
        for length in 1..BOTH.len() - 4 {
            assert_eq!(read(&BOTH[..length], "in"), None, "{length}");
        }
        assert_eq!(read(b"\x00\x01\xff\xff\xff\xff", "in"), None);
    }
}
