//! Raw records through a real broker and back: what was sent is what is read, whoever compressed it or chose its partition,
//! and a transaction's end decides who sees it.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use testkit::{Compression, End, Isolation, Partitioner, Placed, Raw, Sending, kafka_or_skip};

#[test]
fn every_part_of_a_record_survives() {
    let Some(kafka) = kafka_or_skip() else { return };
    let topic = &kafka.fresh_topic("parts", 3, &[]);
    let sent = [
        Raw::to(topic).partition(2).key("k").value("v").header("h", "1").header("h", "2").null_header("n"),
        Raw::to(topic).partition(2).key("").timestamp_ms(1_700_000_000_123),
        Raw::to(topic).partition(0).value([0xff, 0x00]),
    ];
    let placed = kafka.produce(sent);
    let at = |partition, offset| Placed { partition, offset };
    assert_eq!(placed, [at(2, 0), at(2, 1), at(0, 0)]);

    let taken = kafka.read(topic);
    assert_eq!(taken.iter().map(|r| (r.partition, r.offset)).collect::<Vec<_>>(), [(0, 0), (2, 0), (2, 1)]);
    assert_eq!((taken[0].key.clone(), taken[0].value.clone()), (None, Some(vec![0xff, 0x00])));
    assert_eq!((taken[1].key_text(), taken[1].value_text()), ("k".into(), "v".into()));
    assert_eq!(taken[1].header("h").as_deref(), Some("2"), "the last of a name");
    assert_eq!(taken[1].headers.len(), 3);
    assert_eq!(taken[1].headers[2], ("n".to_owned(), None));
    assert_eq!((taken[2].key.as_deref(), taken[2].value.as_deref()), (Some(&b""[..]), None));
    assert_eq!(taken[2].timestamp_ms, Some(1_700_000_000_123));
    assert_eq!(kafka.read_partition(topic, 2), taken[1..]);
    assert_eq!(kafka.read_partition(topic, 1), []);
}

#[test]
fn every_compression_is_read_back() {
    let Some(kafka) = kafka_or_skip() else { return };
    let topic = &kafka.fresh_topic("compressed", 1, &[]);
    let all =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for compression in all {
        let records =
            (0..50).map(|n| Raw::to(topic).value(format!("{compression:?} {n} {}", "x".repeat(200))));
        kafka.produce_as(&Sending { compression, ..Sending::default() }, records);
    }
    let values: Vec<String> = kafka.read(topic).iter().map(|record| record.value_text()).collect();
    assert_eq!(values.len(), 250);
    for (at, compression) in all.iter().enumerate() {
        assert!(values[at * 50].starts_with(&format!("{compression:?} 0 ")), "{}", values[at * 50]);
    }
}

#[test]
fn the_default_partitioner_is_javas() {
    let Some(kafka) = kafka_or_skip() else { return };
    let topic = &kafka.fresh_topic("partitioned", 12, &[]);
    let keys = ["acme", "globex", "initech", "umbrella"];
    let records = || keys.map(|key| Raw::to(topic).key(key).value("v"));
    let partitions = |partitioner| {
        let sending = Sending { partitioner, ..Sending::default() };
        kafka.produce_as(&sending, records()).iter().map(|placed| placed.partition).collect::<Vec<_>>()
    };
    let expected = keys.map(|key| i32::try_from((murmur2(key.as_bytes()) & 0x7fff_ffff) % 12).unwrap());
    assert_eq!(partitions(Partitioner::Murmur2), expected);
    assert_ne!(partitions(Partitioner::Crc32), expected);
}

/// Kafka's variant of MurmurHash2, after `org.apache.kafka.common.utils.Utils`.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(data.len()).unwrap();
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes(word.try_into().unwrap()).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[test]
fn only_the_committed_is_read_unless_asked_for() {
    let Some(kafka) = kafka_or_skip() else { return };
    let topic = &kafka.fresh_topic("transactional", 1, &[]);
    let send = |id: &str, end, value: &str| {
        let sending = Sending { transaction: Some((id.to_owned(), end)), ..Sending::default() };
        kafka.produce_as(&sending, [Raw::to(topic).value(value)]);
    };
    send("one", End::Commit, "kept");
    send("two", End::Abort, "dropped");
    send("one", End::Commit, "kept too");
    let values = |isolation| {
        kafka.read_as(topic, isolation).iter().map(|record| record.value_text()).collect::<Vec<_>>()
    };
    assert_eq!(values(Isolation::Committed), ["kept", "kept too"]);
    assert_eq!(values(Isolation::Uncommitted), ["kept", "dropped", "kept too"]);
    assert_eq!(kafka.offsets(topic, 0), (0, 6), "three records and three control records");
}
