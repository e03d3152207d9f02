//! Writes actions and markers: some of each in one transaction.

use std::collections::BTreeSet;

use anyhow::Context as _;
use codec::Decoder;
use pipeline::replay::Marker;
use runtime::{Log, Producer, Slice, Transaction as _};
use stage::{Header, Output, PartitionCount, Record, TopicIndex};

use super::super::letter::{Content, Place, shown_place};
use super::Command;
use super::mend::Mended;
use super::plan::{Decision, Planned};
use crate::reading;
use crate::stages::now;

/// The actions topic among the producer's topics.
const ACTIONS: TopicIndex = TopicIndex::new(0);
/// The dead-letter topic among them.
const DEAD_LETTERS: TopicIndex = TopicIndex::new(1);

/// A transaction is ended once its values have so many bytes.
const BYTES: usize = 8 << 20;

/// Publishes what was planned.
pub(super) struct Sender<'p, P> {
    producer: &'p mut P,
    partitions: PartitionCount,
    waiting: Vec<Ready>,
    bytes: usize,
}

/// An action and its marker, ready to be sent.
struct Ready {
    of: Place,
    tenant: String,
    /// Shortened: the marker is to fit beside the action, however long that one's id is.
    id: String,
    /// The dead letter's own key.
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl<'p, P: Producer> Sender<'p, P> {
    /// A sender to this many partitions of the actions topic.
    pub(super) fn new(producer: &'p mut P, partitions: PartitionCount) -> Self {
        Self { producer, partitions, waiting: Vec::new(), bytes: 0 }
    }

    /// Reads the dead letters again and sends those that are to be replayed. Those that are not there any
    /// more are refused.
    ///
    /// # Errors
    /// When the broker does not answer, or a transaction is not committed.
    pub(super) fn send(
        &mut self,
        command: &Command,
        plan: &mut [Planned],
        log: &mut impl Log,
        slices: Vec<Slice>,
        decoder: &Decoder,
    ) -> anyhow::Result<()> {
        let chosen = plan.iter().filter(|one| one.decision == Decision::Replay);
        let chosen: BTreeSet<_> = chosen.map(|one| one.place).collect();
        let mut gone = chosen.clone();
        let at_most = usize::try_from(command.per_transaction)?;
        reading::read(log, narrowed(slices, &chosen), &mut |_, record| {
            let place = (record.partition, record.offset);
            if !chosen.contains(&place) {
                return Ok(());
            }
            gone.remove(&place);
            self.take(Ready::of(record, command, decoder).with_context(|| shown_place(place))?, at_most)
        })?;
        self.commit()?;
        for one in plan.iter_mut().filter(|one| gone.contains(&one.place)) {
            one.decision = Decision::Refuse("it expired before it could be published".into());
        }
        Ok(())
    }

    fn take(&mut self, ready: Ready, at_most: usize) -> anyhow::Result<()> {
        self.bytes += ready.value.as_ref().map_or(0, Vec::len);
        self.waiting.push(ready);
        if self.waiting.len() >= at_most || self.bytes >= BYTES { self.commit() } else { Ok(()) }
    }

    /// Sends what waits, in one transaction.
    fn commit(&mut self) -> anyhow::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut transaction = self.producer.begin()?;
        for ready in self.waiting.drain(..) {
            ready.send(self.partitions, &mut transaction);
        }
        self.bytes = 0;
        Ok(transaction.commit_alone()?)
    }
}

impl Ready {
    fn of(record: &Record<'_>, command: &Command, decoder: &Decoder) -> anyhow::Result<Self> {
        const CHANGED: &str = "the schema registry says something else than a moment ago: run it again";
        let mended = Mended::of(record, command, decoder)?.ok().context(CHANGED)?;
        let content = Content::read(mended.value.as_deref(), &mended.headers(), decoder)?;
        let Content { tenant, id, .. } = content.ok().context(CHANGED)?.shortened();
        let headers = mended.headers();
        let headers = headers.iter().map(|one| (one.name.to_vec(), one.value.map(<[u8]>::to_vec)));
        Ok(Self {
            of: (record.partition, record.offset),
            tenant: tenant.context(CHANGED)?.as_str().to_owned(),
            id: id.unwrap_or_default(),
            key: record.key.map(<[u8]>::to_vec),
            headers: headers.collect(),
            value: mended.value.map(std::borrow::Cow::into_owned),
        })
    }

    fn send(&self, partitions: PartitionCount, transaction: &mut impl stage::Sink) {
        let to_partition = partitions.partition_of(self.tenant.as_bytes());
        let headers = self.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() });
        let headers: Vec<_> = headers.collect();
        transaction.send(&Output {
            topic: ACTIONS,
            partition: to_partition,
            timestamp: now(),
            key: Some(self.tenant.as_bytes()),
            value: self.value.as_deref(),
            headers: &headers,
        });
        let marker = Marker { of: self.of, to_partition, tenant: &self.tenant, id: &self.id };
        marker.with_headers(|headers| {
            transaction.send(&Output {
                topic: DEAD_LETTERS,
                partition: self.of.0,
                timestamp: now(),
                key: self.key.as_deref(),
                value: None,
                headers,
            });
        });
    }
}

/// Only as much of each slice as holds what was chosen.
fn narrowed(slices: Vec<Slice>, chosen: &BTreeSet<Place>) -> Vec<Slice> {
    let narrow = |slice: Slice| {
        let mut offsets = chosen.iter().filter(|(partition, _)| *partition == slice.partition);
        let first = offsets.next()?.1;
        let last = offsets.next_back().map_or(first, |(_, offset)| *offset);
        Some(Slice { from: first, until: last.next(), ..slice })
    };
    slices.into_iter().filter_map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use catalog::Topic;
    use clap::Parser as _;
    use codec::Codec;
    use embedded::Tombstones;
    use runtime::Broker as _;
    use stage::Partition;

    use super::super::super::read::{Until, slices};
    use super::super::super::tests::ACTIONS;
    use super::super::foresee::Ground;
    use super::super::plan;
    use super::*;
    use crate::testing;
    use crate::when;

    #[derive(clap::Parser)]
    struct Arguments {
        #[command(flatten)]
        command: Command,
    }

    #[test]
    fn what_expired_between_plan_and_sending_is_not_said_to_be_replayed() {
        let mut log = testing::trail(&[ACTIONS[1], ACTIONS[2]]);
        let Arguments { command } =
            Arguments::try_parse_from(["replay", "--all", "--again", "--yes"]).expect("arguments");
        let (decoder, now) = (Codec::single_object().decoder(), when::now());
        let slices = slices(&mut log, &command.selection, now, Until::End).expect("there");
        let partitions = PartitionCount::new(1).expect("one");
        let ground = Ground { partitions, max_value_bytes: 1 << 20, now };
        let plan = plan::make(&command, &mut log, slices.clone(), &decoder, &ground);
        let mut all = plan.expect("planned").all;
        assert!(all.iter().all(|one| one.decision == Decision::Replay) && all.len() == 2);
        let [actions, dead_letters] = [Topic::Actions.name(), Topic::DeadLetters.name()];
        // Both have one key: as retention takes it, so does compaction.
        log.compact(&dead_letters, Tombstones::Kept).expect("there");

        let mut producer = log.producer("p", &actions, &[actions.clone(), dead_letters]).expect("made");
        let mut sender = Sender::new(&mut producer, partitions);
        sender.send(&command, &mut all, &mut log, slices, &decoder).expect("sent");
        assert!(matches!(&all[0].decision, Decision::Refuse(why) if why.contains("expired")));
        assert_eq!(all[1].decision, Decision::Replay);
        let again = log.dump(&actions, Partition::new(0)).expect("there");
        let again = again.iter().filter(|(_, record)| !record.headers.is_empty());
        assert_eq!(again.count(), 1, "the one that was there");
    }
}
