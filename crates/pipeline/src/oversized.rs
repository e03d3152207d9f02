//! Size: what is too large to be looked into, and what of it a dead letter keeps.

use sha2::{Digest as _, Sha256};
use stage::{Header, Record};

/// Headers that say what an oversized action was before it was cut.
pub mod headers {
    /// Bytes of its value.
    pub const SIZE: &str = "__dlq.oversized.size";
    /// SHA-256 of its value, hexadecimal.
    pub const SHA256: &str = "__dlq.oversized.sha256";
    /// What is not kept whole: of `value`, `key` and `headers`, comma-joined.
    pub const CUT: &str = "__dlq.oversized.cut";
    /// Bytes of its key, where that was cut.
    pub const KEY_SIZE: &str = "__dlq.oversized.key_size";
    /// How many headers it had and how many bytes these were, `count/bytes`, where some were left out.
    pub const HEADERS_SIZE: &str = "__dlq.oversized.headers_size";
}

/// Key and headers may be so large together, in bytes.
pub const KEY_AND_HEADERS_LIMIT: usize = 32 * 1024;
/// So much of an oversized value is kept, in bytes.
const KEPT_VALUE: usize = 64 * 1024;
/// So much of a key is kept where key and headers are too large, in bytes.
const KEPT_KEY: usize = 4 * 1024;
/// What re-routing may add: a tenant for a key, and our header. An action that fits where it first
/// lay must fit where it belongs.
const REROUTING: usize = 256;

/// Why a record is too large to be looked into, if it is.
pub(crate) fn oversized(record: &Record<'_>, value_limit: usize, rerouted: bool) -> Option<String> {
    let value = record.value.map_or(0, <[u8]>::len);
    if value > value_limit {
        return Some(format!("the value has {value} bytes, over the limit of {value_limit}"));
    }
    let rest = key_and_headers(record);
    let limit = KEY_AND_HEADERS_LIMIT + if rerouted { REROUTING } else { 0 };
    (rest > limit).then(|| format!("key and headers have {rest} bytes, over the limit of {limit}"))
}

/// What is kept of an oversized record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Vec<Header<'a>>,
    /// Headers that say what it was.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl<'a> Kept<'a> {
    /// All of a record that is not oversized.
    pub(crate) fn whole(record: &Record<'a>) -> Self {
        let headers = record.headers.clone();
        Self { key: record.key, value: record.value, headers, facts: Vec::new() }
    }

    /// Cuts an oversized record so that it fits: the value to its first 64 KiB (or the limit, where
    /// that is lower: topics allow the limit and 64 KiB beside it); where key and
    /// headers are over their limit, the key to its first 4 KiB and of the headers those that
    /// still fit, in their order.
    pub(crate) fn of(record: &Record<'a>, value_limit: usize) -> Self {
        let most = KEPT_VALUE.min(value_limit);
        let value = record.value.map(|value| &value[..value.len().min(most)]);
        let mut kept =
            Self { key: record.key, value, headers: record.headers.clone(), facts: Vec::with_capacity(5) };
        let mut cut = Vec::with_capacity(3);
        if let Some(whole) = record.value {
            let hash: String = Sha256::digest(whole).iter().map(|byte| format!("{byte:02x}")).collect();
            kept.facts.extend([(headers::SIZE, whole.len().to_string()), (headers::SHA256, hash)]);
            if whole.len() > most {
                cut.push("value");
            }
        }
        if key_and_headers(record) > KEY_AND_HEADERS_LIMIT {
            kept.cut_key(record, &mut cut);
            kept.cut_headers(record, &mut cut);
        }
        kept.facts.push((headers::CUT, cut.join(",")));
        kept
    }

    fn cut_key(&mut self, record: &Record<'a>, cut: &mut Vec<&str>) {
        let Some(key) = record.key.filter(|key| key.len() > KEPT_KEY) else { return };
        self.key = Some(&key[..KEPT_KEY]);
        self.facts.push((headers::KEY_SIZE, key.len().to_string()));
        cut.push("key");
    }

    fn cut_headers(&mut self, record: &Record<'a>, cut: &mut Vec<&str>) {
        let mut room = KEY_AND_HEADERS_LIMIT - self.key.map_or(0, <[u8]>::len);
        self.headers.retain(|header| match room.checked_sub(size(header)) {
            Some(rest) => {
                room = rest;
                true
            }
            None => false,
        });
        if self.headers.len() < record.headers.len() {
            let bytes: usize = record.headers.iter().map(size).sum();
            self.facts.push((headers::HEADERS_SIZE, format!("{}/{bytes}", record.headers.len())));
            cut.push("headers");
        }
    }
}

fn key_and_headers(record: &Record<'_>) -> usize {
    record.key.map_or(0, <[u8]>::len) + record.headers.iter().map(size).sum::<usize>()
}

/// Bytes of a header: name, value and the two lengths it has at least on the wire, so that very
/// many empty ones are too large as well.
fn size(header: &Header<'_>) -> usize {
    header.name.len() + header.value.map_or(0, <[u8]>::len) + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::{Millis, Offset, Partition};

    fn record<'a>(key: &'a [u8], value: Option<&'a [u8]>, headers: Vec<Header<'a>>) -> Record<'a> {
        Record {
            partition: Partition::new(0),
            offset: Offset::new(0),
            timestamp: Millis::new(0),
            key: Some(key),
            value,
            headers,
        }
    }

    fn header<'a>(name: &'a str, value: &'a [u8]) -> Header<'a> {
        Header::new(name, Some(value))
    }

    #[test]
    fn limits_are_inclusive() {
        let bytes = vec![b'x'; KEY_AND_HEADERS_LIMIT + REROUTING + 1];
        for (value, rest, rerouted, is_oversized) in [
            (99, 0, false, false),
            (100, KEY_AND_HEADERS_LIMIT - 1, false, false),
            (100, KEY_AND_HEADERS_LIMIT, false, false),
            (101, 0, false, true),
            (0, KEY_AND_HEADERS_LIMIT + 1, false, true),
            (0, KEY_AND_HEADERS_LIMIT + 1, true, false),
            (0, KEY_AND_HEADERS_LIMIT + REROUTING, true, false),
            (0, KEY_AND_HEADERS_LIMIT + REROUTING + 1, true, true),
        ] {
            let key_only = record(&bytes[..rest], Some(&bytes[..value]), vec![]);
            assert_eq!(oversized(&key_only, 100, rerouted).is_some(), is_oversized, "{value} {rest}");
            if rest > 3 {
                let headers = vec![header("n", &bytes[..rest - 10])];
                let both = record(&bytes[..7], Some(&bytes[..value]), headers);
                assert_eq!(oversized(&both, 100, rerouted).is_some(), is_oversized, "{value} {rest}");
            }
        }
    }

    #[test]
    fn very_many_empty_headers_are_too_large() {
        let headers = vec![Header::new("", None); KEY_AND_HEADERS_LIMIT];
        let record = record(b"", None, headers);
        assert!(oversized(&record, 100, false).is_some());
        assert!(Kept::of(&record, 100).headers.len() <= KEY_AND_HEADERS_LIMIT / 2);
    }

    #[test]
    fn a_large_value_is_cut_and_said_to_be_with_its_size_and_hash() {
        let value = vec![b'a'; 1_000_000];
        let kept_headers = vec![header("h", b"1"), header("h", b"2")];
        let kept = Kept::of(&record(b"acme", Some(&value), kept_headers.clone()), 1024 * 1024);
        assert_eq!(kept.key, Some(&b"acme"[..]));
        assert_eq!(kept.value, Some(&value[..65_536]));
        assert_eq!(kept.headers, kept_headers);
        // SHA-256 of a million times `a`: a test vector of FIPS 180-4.
        let hash = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(
            kept.facts,
            [
                (headers::SIZE, "1000000".into()),
                (headers::SHA256, hash.into()),
                (headers::CUT, "value".into())
            ]
        );
    }

    #[test]
    fn no_more_of_a_value_is_kept_than_the_limit() {
        let value = [b'a'; 101];
        assert_eq!(Kept::of(&record(b"", Some(&value), vec![]), 100).value, Some(&value[..100]));
    }

    #[test]
    fn of_large_headers_those_are_kept_that_fit() {
        let large = vec![b'h'; 30_000];
        let key = vec![b'k'; 5_000];
        let all = vec![header("a", b"1"), header("b", &large), header("c", b"3"), header("d", &large)];
        let kept = Kept::of(&record(&key, Some(b"small"), all), 100);
        assert_eq!(kept.value, Some(&b"small"[..]));
        assert_eq!(kept.key.map(<[u8]>::len), Some(KEPT_KEY));
        assert_eq!(kept.headers, [header("a", b"1"), header("c", b"3")]);
        let facts: Vec<_> = kept.facts[2..].iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            facts,
            [(headers::KEY_SIZE, "5000"), (headers::HEADERS_SIZE, "4/60014"), (headers::CUT, "key,headers")]
        );
    }

    #[test]
    fn without_a_value_there_is_no_size_of_one() {
        let large = vec![b'h'; 40_000];
        let kept = Kept::of(&record(b"", None, vec![header("a", &large)]), 100);
        assert_eq!((kept.value, kept.headers.len()), (None, 0));
        assert_eq!(kept.facts[1], (headers::CUT, "headers".into()));
    }
}
