//! Input records in memory, by partition and in log order.

use anyhow::{Context, Result};
use catalog::Micros;
use lms_audit::generate::{Generator, Options};
use stage::{Header, Millis, Offset, Output, Partition, PartitionCount, Record};

/// The first action: a fixed time, so that the same arguments give the same bytes.
const START: Micros = Micros::new(1_790_000_000_000_000);
const DAY: u64 = 24 * 3_600_000_000;
const MAX_VALUE: usize = 1024 * 1024;

type Bytes = Box<[u8]>;

/// A record that owns its bytes.
struct Owned {
    timestamp: Millis,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(Box<str>, Option<Bytes>)>,
}

/// Input records, by partition.
pub(crate) struct Input(Vec<Vec<Owned>>);

impl Input {
    /// No records yet.
    pub(crate) fn empty(partitions: PartitionCount) -> Self {
        Self(partitions.partitions().map(|_| Vec::new()).collect())
    }

    /// Actions as a platform sends them, in plain JSON and as CloudEvents, flawed ones among them;
    /// received a day after the first happened, one each millisecond.
    pub(crate) fn generate(count: u64, seed: u64, partitions: PartitionCount) -> Result<Self> {
        let generator = Generator::new(Options {
            count,
            seed,
            start: START,
            span: DAY,
            tenants: 12,
            learners: 500,
            courses: 40,
            partitions,
            max_value_bytes: MAX_VALUE,
        });
        let mut input = Self::empty(partitions);
        let end = START.millis() + i64::try_from(DAY / 1000).context("a day in milliseconds")?;
        let keyless = (0..partitions.get()).cycle();
        for ((made, keyless), received) in generator.zip(keyless).zip(end..) {
            let partition =
                made.key.as_deref().map_or(Partition::new(keyless), |key| partitions.partition_of(key));
            let headers = made.headers.into_iter().map(|(name, value)| (name.into(), Some(value.into())));
            input.0[partition.number() as usize].push(Owned {
                timestamp: Millis::new(received),
                key: made.key.map(Vec::into_boxed_slice),
                value: Some(made.value.into()),
                headers: headers.collect(),
            });
        }
        Ok(input)
    }

    /// Adds what a stage wrote as the input of the next.
    pub(crate) fn push(&mut self, output: &Output<'_>) {
        let owned = |header: &Header<'_>| (header.shown_name().into(), header.value.map(Into::into));
        self.0[output.partition.number() as usize].push(Owned {
            timestamp: output.timestamp,
            key: output.key.map(Into::into),
            value: output.value.map(Into::into),
            headers: output.headers.iter().map(owned).collect(),
        });
    }

    /// How many partitions, empty ones included.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = Partition> {
        (0..).map(Partition::new).take(self.0.len())
    }

    /// The records of a partition.
    pub(crate) fn records(&self, partition: Partition) -> impl Iterator<Item = Record<'_>> {
        self.0[partition.number() as usize].iter().zip(0..).map(move |(owned, offset)| Record {
            partition,
            offset: Offset::new(offset),
            timestamp: owned.timestamp,
            key: owned.key.as_deref(),
            value: owned.value.as_deref(),
            headers: owned.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect(),
        })
    }

    /// How many records.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> usize {
        let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.len());
        self.0.iter().flatten().map(|owned| len(&owned.key) + len(&owned.value)).sum()
    }
}
