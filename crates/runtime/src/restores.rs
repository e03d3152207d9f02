//! The restores of a worker's partitions: a few at a time, so that memory stays bounded, each piece by piece
//! between transactions, so that partitions that are ready work meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use stage::{Label, Offset, Partition, StageFactory};

use crate::error::{Cause, Remedy};
use crate::failure::Failure;
use crate::ids::Ids;
use crate::port::{Log, Reading};
use crate::progress::Far;
use crate::restore::{Restore, Restored, Times};

/// How often it is said that partitions wait for their state on disk.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// Partitions that are not ready yet.
pub(crate) struct Restores<L: Log> {
    /// At most so many are restored at the same time.
    limit: usize,
    /// How long one rests that failed.
    rest: Duration,
    waiting: VecDeque<(Partition, Option<Offset>)>,
    under_way: Vec<Restore<L>>,
    /// Done, and not fetched yet.
    ready: Vec<Restored>,
    /// Until when none is begun, as the last one could not be.
    postponed: Option<Instant>,
    said: Option<Instant>,
}

/// How far the restores of a worker are.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Partitions that wait for their turn; how much they have to read is seen only then.
    pub(crate) waiting: u64,
    /// Offsets left to read, of the restores under way.
    pub(crate) remaining: u64,
    /// How far each restore under way is, once it reads.
    pub(crate) far: BTreeMap<Partition, Far>,
}

impl<L: Log> Restores<L> {
    pub(crate) fn new(limit: usize, rest: Duration) -> Self {
        let limit = limit.max(1);
        let (waiting, under_way, ready) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { limit, rest, waiting, under_way, ready, postponed: None, said: None }
    }

    /// Partitions to restore, whose group offsets are given.
    pub(crate) fn add(&mut self, committed: Vec<(Partition, Option<Offset>)>) {
        self.waiting.extend(committed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty() && self.ready.is_empty()
    }

    /// Whether there is something to do for them now, rather than later.
    pub(crate) fn are_due(&self) -> bool {
        let now = Instant::now();
        let begin = !self.waiting.is_empty()
            && self.under_way.len() < self.limit
            && self.postponed.is_none_or(|until| now >= until);
        begin || !self.ready.is_empty() || self.under_way.iter().any(|restore| !restore.rests(now))
    }

    /// Leaves these partitions out: they belong to somebody else now.
    pub(crate) fn forget(&mut self, partitions: &[Partition]) {
        self.waiting.retain(|(partition, _)| !partitions.contains(partition));
        self.under_way.retain(|restore| !partitions.contains(&restore.partition()));
        self.ready.retain(|restored| !partitions.contains(&restored.partition));
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.under_way.clear();
        self.ready.clear();
        self.postponed = None;
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = Partition> {
        let waiting = self.waiting.iter().map(|(partition, _)| *partition);
        let ready = self.ready.iter().map(|restored| restored.partition);
        waiting.chain(self.under_way.iter().map(Restore::partition)).chain(ready)
    }

    /// How far they all are.
    pub(crate) fn standing(&self) -> Standing {
        let far = self.under_way.iter().filter_map(|restore| Some((restore.partition(), restore.far()?)));
        Standing {
            waiting: self.waiting.len() as u64,
            remaining: self.under_way.iter().map(Restore::remaining).sum(),
            far: far.collect(),
        }
    }

    /// Those that are ready.
    pub(crate) fn take_ready(&mut self) -> Vec<Restored> {
        std::mem::take(&mut self.ready)
    }

    /// Reads a piece of each, for at most `wait` in all.
    pub(crate) fn step(
        &mut self,
        log: &mut L,
        factory: &dyn StageFactory,
        ids: &Ids,
        wait: Duration,
        times: Times,
    ) -> Result<(), Failure> {
        self.begin(factory, ids, times)?;
        let share = wait / u32::try_from(self.under_way.len().max(1)).unwrap_or(u32::MAX);
        for place in (0..self.under_way.len()).rev() {
            let restore = &mut self.under_way[place];
            if restore.rests(Instant::now()) {
                continue;
            }
            let reading = match restore.step(log, factory.spec(), ids, share, times) {
                // Its broker, not ours to wait for: the others and what is ready go on.
                Err(failure) if failure.remedy() == Remedy::Retry => {
                    restore.rest(self.rest);
                    let (stage, partition) = (factory.spec().name, restore.partition().number());
                    tracing::warn!(stage, partition, %failure, "a restore failed and begins again");
                    continue;
                }
                Err(failure) if failure.cause() == Cause::Storage => {
                    let place = self.under_way.remove(place).into_place();
                    self.again(factory.spec().name, place, &failure);
                    continue;
                }
                reading => reading?,
            };
            if reading == Reading::Done {
                self.ready.push(self.under_way.remove(place).into_restored());
            } else if restore.stands_still(Instant::now()) {
                tracing::warn!(
                    stage = factory.spec().name,
                    partition = restore.partition().number(),
                    remaining = restore.remaining(),
                    "the restore waits: no broker answers, or a transaction was left open in a topic that is read; kafka-transactions.sh find-hanging names it"
                );
            }
        }
        Ok(())
    }

    fn begin(&mut self, factory: &dyn StageFactory, ids: &Ids, times: Times) -> Result<(), Failure> {
        if self.postponed.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        self.postponed = None;
        while self.under_way.len() < self.limit {
            let Some(next) = self.waiting.front().copied() else { break };
            match Restore::open(factory, ids, next, times) {
                Ok(restore) => self.under_way.push(restore),
                Err(failure) if failure.cause() == Cause::Storage => {
                    self.waiting.pop_front();
                    self.again(factory.spec().name, next, &failure);
                    break;
                }
                Err(failure) => return Err(failure),
            }
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Has a partition wait whose state on disk cannot be opened or written now, and whose group offset is given. It comes last:
    /// another may be able to begin.
    pub(crate) fn again(&mut self, stage: Label, place: (Partition, Option<Offset>), failure: &Failure) {
        let now = Instant::now();
        self.postponed = Some(now + self.rest);
        self.waiting.push_back(place);
        if self.said.is_none_or(|said| now.duration_since(said) >= SAY_AGAIN) {
            self.said = Some(now);
            tracing::warn!(stage, %failure, "a partition waits for its state on disk: make room or mend the disk, or run without state.dir");
        }
    }
}
