//! Drives a stage over records in memory the way the runtime does, without a broker.

use anyhow::{Context, Result};
use catalog::Topic;
use pipeline::topic_index;
use stage::{Coverage, Mark, Millis, Output, PartitionCount, Record, Sink, Stage, StageFactory};

use crate::input::Input;

/// What becomes of outputs.
pub(crate) enum Keep<'a> {
    /// They are counted.
    Nothing,
    /// Audit events become the next stage's input.
    Events(&'a mut Input),
}

/// What a run wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Records.
    pub(crate) records: u64,
    /// Bytes of keys and values.
    pub(crate) bytes: u64,
}

/// A stage and how many records make one of its transactions.
pub(crate) struct Drive<'a> {
    factory: &'a dyn StageFactory,
    transaction: usize,
}

struct Counter<'a> {
    written: Written,
    keep: Keep<'a>,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(factory: &'a dyn StageFactory, transaction: usize) -> Self {
        Self { factory, transaction: transaction.max(1) }
    }

    /// Runs all of the input through new stages, partition after partition.
    pub(crate) fn run(&self, input: &Input, keep: Keep<'_>) -> Result<Written> {
        let mut counter = Counter { written: Written::default(), keep };
        for partition in input.partitions() {
            let mut stage = self.factory.create(partition)?;
            let mut records = input.records(partition).peekable();
            while records.peek().is_some() {
                let batch = records.by_ref().take(self.transaction);
                transact(stage.as_mut(), batch, &mut counter)
                    .with_context(|| format!("{} of partition {partition}", self.factory.spec().name))?;
            }
        }
        Ok(counter.written)
    }

    /// The audit events that a normalizer makes of this input.
    pub(crate) fn events(&self, actions: &Input) -> Result<Input> {
        let count = u32::try_from(actions.partitions().count()).context("partitions")?;
        let mut events = Input::empty(PartitionCount::new(count).context("no partitions")?);
        self.run(actions, Keep::Events(&mut events))?;
        Ok(events)
    }
}

impl Sink for Counter<'_> {
    fn send(&mut self, output: &Output<'_>) {
        self.written.records += 1;
        self.written.bytes +=
            (output.key.map_or(0, <[u8]>::len) + output.value.map_or(0, <[u8]>::len)) as u64;
        if let Keep::Events(events) = &mut self.keep
            && output.topic == topic_index(Topic::Events)
        {
            events.push(output);
        }
    }
}

/// One transaction, call for call as the runtime makes them.
fn transact<'a>(
    stage: &mut dyn Stage,
    records: impl Iterator<Item = Record<'a>>,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut last: Option<(stage::Offset, Millis)> = None;
    for record in records {
        stage.process(&record, sink)?;
        last = Some((record.offset, record.timestamp));
    }
    let (offset, read) = last.context("an empty transaction")?;
    let coverage = Coverage {
        next: offset.next(),
        last_read: Some(read),
        cluster_id: "bench".into(),
        topic_id: "bench".into(),
        expired: 0,
    };
    stage.flush(sink)?;
    stage.cover(&coverage, read, sink)?;
    stage.commit(&Mark::unkept())?;
    Ok(())
}
