//! Restores the state of one partition from committed topics, a piece at a time.
//!
//! First the ledger, which holds coverage; then what the stage asks for. The ends are high watermarks
//! seen before reading, so that a transaction still open at the end is waited for (KAFKA-10167). State
//! that was kept on disk says by its mark from where on to read; where it does not fit the topics, it is
//! set aside and all is read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stage::{
    Coverage, Mark, Millis, Offset, Partition, ReadFrom, RestorePoint, StageError, StageFactory, StageSpec,
    TopicIndex,
};

use crate::failure::Failure;
use crate::found::{first_time, start};
use crate::ids::Ids;
use crate::port::{Extent, Log, Reader, Reading, Slice};
use crate::progress::{Far, Progress};
use crate::start::Start;
use crate::task::Task;

/// When something is done, and how old state on disk may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Millis,
    /// Compaction forgets tombstones after a while (`delete.retention.ms`); state that is older than
    /// half of that could bring back what was removed.
    pub(crate) oldest_state: Duration,
}

/// A restore under way.
pub(crate) struct Restore<L: Log> {
    partition: Partition,
    task: Task,
    committed: Option<Offset>,
    start: Option<Start>,
    phase: Phase,
    /// From where on to read what the state does not reflect yet; empty where it reflects nothing.
    reflected: BTreeMap<TopicIndex, Offset>,
    /// The coverage that the state on disk had.
    marked: Option<Coverage>,
    /// When the state that it goes on from was whole, or, where there was none, when it began to read:
    /// of rows that were removed since then, only tombstones tell.
    since: Millis,
    /// When it asked where the topics end.
    asked: Millis,
    /// Which topic each slice of the reader is of, and where it ends.
    slots: Vec<(TopicIndex, Offset)>,
    /// None before the first phase.
    reader: Option<L::Reader>,
    standstill: Standstill,
    rests_until: Instant,
    failed_before: bool,
    progress: Progress,
    /// When it last said how far it is, and last made state of what it has.
    said: Instant,
    kept: Instant,
}

/// How often a restore says how far it is, and makes state of what it has.
const SAY: Duration = Duration::from_secs(10);

/// Clocks may step back by so much, in milliseconds.
const STEP_BACK: u64 = 3_600_000;

/// How long nothing may come before it is said, and said again.
const STILL: Duration = Duration::from_secs(30);

/// Notices that a restore gets nowhere. Readers wait for a transaction that was left open, however
/// long that is; who looks at the log must learn it.
struct Standstill {
    left: u64,
    since: Instant,
}

impl Standstill {
    fn new(now: Instant) -> Self {
        Self { left: u64::MAX, since: now }
    }

    fn is_to_be_said(&mut self, left: u64, now: Instant) -> bool {
        let still = left == self.left && now.duration_since(self.since) >= STILL;
        if still || left != self.left {
            *self = Self { left, since: now };
        }
        still
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is to begin, for the first time or again: what a failed read had in hand is gone.
    Begin,
    Ledger,
    Changelogs,
}

/// Where a partition's restored state ends up.
pub(crate) struct Restored {
    pub(crate) partition: Partition,
    pub(crate) task: Task,
}

impl<L: Log> Restore<L> {
    /// Opens the state of this partition, whose group offset is given; nothing is read yet.
    pub(crate) fn open(
        factory: &dyn StageFactory,
        ids: &Ids,
        (partition, committed): (Partition, Option<Offset>),
        times: Times,
    ) -> Result<Self, Failure> {
        let spec = factory.spec();
        let opened = Task::new(factory, partition);
        let mut task = opened.map_err(|error| failed(error, spec, partition))?;
        if let Some(why) = task.stage.mark().and_then(|mark| unusable(mark, ids, times)) {
            task.stage.reset(&why).map_err(|error| failed(error, spec, partition))?;
        }
        let now = Instant::now();
        Ok(Self {
            partition,
            task,
            committed,
            start: None,
            phase: Phase::Begin,
            reflected: BTreeMap::new(),
            marked: None,
            since: times.now,
            asked: times.now,
            slots: Vec::new(),
            reader: None,
            standstill: Standstill::new(now),
            rests_until: now,
            failed_before: false,
            progress: Progress::new(now),
            said: now,
            kept: now,
        })
    }

    /// Reads for at most `wait`; whether this was the last piece. After an error the next step begins
    /// again: what is taken twice is the same state.
    pub(crate) fn step(
        &mut self,
        log: &mut L,
        spec: &StageSpec,
        ids: &Ids,
        wait: Duration,
        times: Times,
    ) -> Result<Reading, Failure> {
        let outcome = self.go_on(log, spec, ids, wait, times);
        if outcome.is_err() {
            self.phase = Phase::Begin;
        }
        outcome
    }

    fn go_on(
        &mut self,
        log: &mut L,
        spec: &StageSpec,
        ids: &Ids,
        wait: Duration,
        times: Times,
    ) -> Result<Reading, Failure> {
        match self.phase {
            Phase::Begin => {
                self.read_ledger(log, spec, times.now)?;
                return Ok(Reading::Open);
            }
            Phase::Ledger | Phase::Changelogs => {}
        }
        if self.read(spec, wait)? == Reading::Open {
            self.keep(spec, ids)?;
            return Ok(Reading::Open);
        }
        if self.phase == Phase::Ledger {
            self.read_changelogs(log, spec, ids)?;
            return Ok(Reading::Open);
        }
        if self.is_late(times) {
            if self.since < self.asked {
                let why =
                    "reading the rest took so long that rows removed since may be forgotten by the topics";
                self.anew(spec, why)?;
                return Ok(Reading::Open);
            }
            self.say_late(spec);
        }
        self.finish(spec, ids)?;
        Ok(Reading::Done)
    }

    /// Goes back to the beginning: from the mark of the state, as far as there is one.
    fn read_ledger(&mut self, log: &mut L, spec: &StageSpec, now: Millis) -> Result<(), Failure> {
        let mark = self.task.stage.mark();
        (self.since, self.asked) = (mark.map_or(now, |mark| mark.at), now);
        self.reflected = mark.map(|mark| mark.changelogs.clone()).unwrap_or_default();
        self.marked = mark.and_then(|mark| mark.coverage.clone());
        let extent = log.extent(spec.topic(spec.ledger), self.partition)?;
        if let Some(why) = self.ahead(spec, spec.ledger, extent) {
            return self.anew(spec, &why);
        }
        self.turn_to(log, spec, vec![(spec.ledger, extent, ReadFrom::Start)], Phase::Ledger)?;
        self.say("restoring", spec);
        Ok(())
    }

    /// The restored task, once the last piece was read.
    pub(crate) fn into_restored(self) -> Restored {
        Restored { partition: self.partition, task: self.task }
    }

    /// What it was opened for, to begin anew.
    pub(crate) fn into_place(self) -> (Partition, Option<Offset>) {
        (self.partition, self.committed)
    }

    /// The partition.
    pub(crate) fn partition(&self) -> Partition {
        self.partition
    }

    /// Offsets left to read.
    pub(crate) fn remaining(&self) -> u64 {
        self.reader.as_ref().map_or(0, Reader::remaining)
    }

    /// How far it is; none before it reads.
    pub(crate) fn far(&self) -> Option<Far> {
        self.progress.far(self.remaining(), Instant::now())
    }

    /// After a failure that ends by itself: the first time it begins again at once, from then on it lets others work for so long.
    pub(crate) fn rest(&mut self, length: Duration) {
        if self.failed_before {
            self.rests_until = Instant::now() + length;
        }
        self.failed_before = true;
    }

    /// Whether it is to be let be.
    pub(crate) fn rests(&self, now: Instant) -> bool {
        now < self.rests_until
    }

    /// Whether it has got nowhere for so long that it is to be said, now.
    pub(crate) fn stands_still(&mut self, now: Instant) -> bool {
        self.standstill.is_to_be_said(self.remaining(), now)
    }

    /// Reads these topics, each from where the state does not reflect it.
    fn turn_to(
        &mut self,
        log: &mut L,
        spec: &StageSpec,
        wanted: Vec<(TopicIndex, Extent, ReadFrom)>,
        phase: Phase,
    ) -> Result<(), Failure> {
        let (mut slices, mut slots) = (Vec::new(), Vec::new());
        for (topic, extent, from) in wanted {
            let name = spec.topic(topic);
            let from = match (self.reflected.get(&topic), from) {
                (Some(offset), _) => *offset,
                (None, ReadFrom::Start) => extent.start,
                (None, ReadFrom::Time(time)) => log.offset_at(name, self.partition, time)?,
            };
            let from = from.max(extent.start);
            slices.push(Slice { topic: name.to_owned(), partition: self.partition, from, until: extent.end });
            slots.push((topic, extent.end));
        }
        let reader = log.open(slices)?;
        self.progress.turn(reader.remaining(), Instant::now());
        (self.reader, self.slots, self.phase) = (Some(reader), slots, phase);
        Ok(())
    }

    /// Why the state cannot be of this topic: it reflects what is not there.
    fn ahead(&self, spec: &StageSpec, topic: TopicIndex, extent: Extent) -> Option<String> {
        let reflected = self.reflected.get(&topic).filter(|offset| **offset > extent.end)?;
        Some(format!(
            "it reflects {} partition {} up to offset {reflected}, but that ends at {}",
            spec.topic(topic),
            self.partition,
            extent.end
        ))
    }

    /// Sets the state aside, to begin anew.
    fn anew(&mut self, spec: &StageSpec, why: &str) -> Result<(), Failure> {
        self.phase = Phase::Begin;
        self.task.stage.reset(why).map_err(|error| failed(error, spec, self.partition))
    }

    fn read(&mut self, spec: &StageSpec, wait: Duration) -> Result<Reading, Failure> {
        let mut failed = None;
        let (slots, task, partition) = (&self.slots, &mut self.task, self.partition);
        let mut records = 0;
        let reader = self.reader.as_mut().expect("a phase has its reader");
        let reading = reader.read(wait, &mut |slot, record| {
            let (topic, _) = slots[slot];
            records += 1;
            if failed.is_none()
                && let Err(error) = task.stage.restore(topic, record)
            {
                failed = Some(Failure::stage(error, spec.topic(topic), partition, record.offset));
            }
        })?;
        self.progress.records += records;
        failed.map_or(Ok(reading), Err)
    }

    fn read_changelogs(&mut self, log: &mut L, spec: &StageSpec, ids: &Ids) -> Result<(), Failure> {
        let next = |coverage: &Option<Coverage>| coverage.as_ref().map(|coverage| coverage.next);
        let covered = self.task.stage.coverage().cloned();
        if next(&self.marked) > next(&covered) {
            let why = "it reflects more of the input than the ledger says was processed";
            return self.anew(spec, why);
        }
        let partition = self.partition;
        let extent = log.extent(spec.topic(spec.input), partition)?;
        let start = match start(log, spec, ids, partition, &self.task, self.committed, extent) {
            // Coverage that the state had, and no later one: the ledger's own is what counts, so that is
            // read, once, before a person is asked.
            Err(Failure::Stage { error: StageError::Stop(_), .. })
                if self.marked.is_some() && self.reflected.remove(&spec.ledger).is_some() =>
            {
                let extent = log.extent(spec.topic(spec.ledger), partition)?;
                return self.turn_to(log, spec, vec![(spec.ledger, extent, ReadFrom::Start)], Phase::Ledger);
            }
            start => start?,
        };
        self.start = Some(start);
        // State of disk goes on from the offsets of its mark, and asks for no time.
        let unread = match self.marked {
            Some(_) => None,
            None => first_time(log, spec.topic(spec.input), partition, start.next, extent.stable)?,
        };
        let time = unread.or(covered.and_then(|coverage| coverage.last_read));
        let mut wanted = Vec::new();
        for changelog in self.task.stage.changelogs(RestorePoint { time }) {
            let extent = log.extent(spec.topic(changelog.topic), partition)?;
            if let Some(why) = self.ahead(spec, changelog.topic, extent) {
                return self.anew(spec, &why);
            }
            wanted.push((changelog.topic, extent, changelog.from));
        }
        // What was read of the ledger is state that this restore has, whatever the reader is next.
        self.reflect();
        self.turn_to(log, spec, wanted, Phase::Changelogs)
    }

    /// Takes note of how far the reader has come.
    fn reflect(&mut self) {
        let Some(reader) = &self.reader else { return };
        for (slot, (topic, end)) in self.slots.iter().enumerate() {
            let come = reader.position(slot).min(*end);
            let reflected = self.reflected.entry(*topic).or_insert(come);
            *reflected = come.max(*reflected);
        }
    }

    /// Once in a while makes state of what was restored, so that an end of the process does not undo it,
    /// and says how far the restore is.
    fn keep(&mut self, spec: &StageSpec, ids: &Ids) -> Result<(), Failure> {
        if self.kept.elapsed() >= SAY {
            self.kept = Instant::now();
            self.reflect();
            let coverage = self.marked.as_ref().and(self.task.stage.coverage()).cloned();
            let mark = mark(&self.reflected, spec.ledger, ids, self.since, coverage);
            let kept = self.task.stage.restored(&mark);
            kept.map_err(|error| failed(error, spec, self.partition))?;
        }
        if self.said.elapsed() >= SAY {
            self.said = Instant::now();
            self.say("restoring", spec);
        }
        Ok(())
    }

    /// Whether a tombstone that this restore had to see may have been forgotten before it came there.
    fn is_late(&self, times: Times) -> bool {
        let forgotten = times.oldest_state.as_millis().saturating_mul(2);
        u128::from(age(self.since, times.now)) > forgotten
    }

    fn say_late(&self, spec: &StageSpec) {
        tracing::error!(
            stage = spec.name,
            partition = self.partition.number(),
            "the restore took longer than the topics keep tombstones, so a row that was removed meanwhile may have come back: raise delete.retention.ms of every compacted topic (`lms-audit topics apply`) and start again"
        );
    }

    fn finish(&mut self, spec: &StageSpec, ids: &Ids) -> Result<(), Failure> {
        let ends = self.slots.iter().copied();
        self.reflected.extend(ends);
        let coverage = self.task.stage.coverage().cloned();
        let mark = mark(&self.reflected, spec.ledger, ids, self.asked, coverage);
        let restored = self.task.stage.restored(&mark);
        restored.map_err(|error| failed(error, spec, self.partition))?;
        let start = self.start.expect("the changelogs are read once the start is decided");
        self.task.begin(start, std::mem::take(&mut self.reflected));
        self.say("partition restored", spec);
        Ok(())
    }

    fn say(&self, what: &str, spec: &StageSpec) {
        let far = self.far();
        tracing::info!(
            stage = spec.name,
            partition = self.partition.number(),
            from = if self.marked.is_some() { "disk and topics" } else { "topics" },
            records = self.progress.records,
            left = self.remaining(),
            percent = far.map(Far::percent),
            seconds = (self.progress.seconds(Instant::now()) * 10.0).round() / 10.0,
            seconds_left = far.and_then(Far::seconds_left),
            "{what}"
        );
    }
}

/// What the state reflects. While a first restore is under way no coverage does it justice; the ledger is
/// read from its start again then, as that is where coverage comes from.
fn mark(
    reflected: &BTreeMap<TopicIndex, Offset>,
    ledger: TopicIndex,
    ids: &Ids,
    at: Millis,
    coverage: Option<Coverage>,
) -> Mark {
    let mut changelogs = reflected.clone();
    if coverage.is_none() {
        changelogs.remove(&ledger);
    }
    Mark { trail: ids.trail.clone(), at, coverage, changelogs }
}

/// Why state on disk is not used, if it is not.
fn unusable(mark: &Mark, ids: &Ids, times: Times) -> Option<String> {
    if mark.trail != ids.trail {
        return Some("it is of another cluster, or of topics that were made anew".into());
    }
    if age(times.now, mark.at) > STEP_BACK {
        return Some("it is of a time that is still to come: the clock was set back".into());
    }
    let age = Duration::from_millis(age(mark.at, times.now));
    (age > times.oldest_state).then(|| {
        format!(
            "it is {} old, over {}: rows removed since may be forgotten by the topics already",
            in_words(age),
            in_words(times.oldest_state)
        )
    })
}

/// Milliseconds from one time to a later one; none where it is no later one.
fn age(from: Millis, until: Millis) -> u64 {
    u64::try_from(until.get().saturating_sub(from.get())).unwrap_or(0)
}

/// A length of time in the greatest unit that leaves a number of two digits or so.
fn in_words(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..300 => format!("{seconds} seconds"),
        seconds @ 300..18_000 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3600),
    }
}

fn failed(error: StageError, spec: &StageSpec, partition: Partition) -> Failure {
    let place = format!("state of the {} of {} partition {partition}", spec.name, spec.topic(spec.input));
    Failure::Stage { error, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Ids {
        Ids { cluster: "c".into(), input: "i".into(), trail: "t".into() }
    }

    #[test]
    fn without_coverage_the_ledger_is_read_again() {
        let (ledger, rows) = (TopicIndex::new(0), TopicIndex::new(1));
        let reflected = BTreeMap::from([(ledger, Offset::new(5)), (rows, Offset::new(7))]);
        let coverage = Coverage {
            next: Offset::new(3),
            last_read: None,
            cluster_id: "c".into(),
            topic_id: "i".into(),
            expired: 0,
        };
        for (coverage, topics) in [(None, vec![rows]), (Some(coverage), vec![ledger, rows])] {
            let mark = mark(&reflected, ledger, &ids(), Millis::new(1), coverage);
            assert_eq!(mark.changelogs.into_keys().collect::<Vec<_>>(), topics);
        }
    }

    #[test]
    fn state_is_used_while_it_is_of_this_trail_and_young() {
        let ids = ids();
        let old =
            |age: &str| format!("it is {age}: rows removed since may be forgotten by the topics already");
        for (trail, minutes, oldest_days, expected) in [
            ("t", 0, 14, None),
            ("t", 14 * 24 * 60, 14, None),
            ("t", 15 * 24 * 60, 14, Some(old("360 hours old, over 336 hours"))),
            ("t", 7, 0, Some(old("7 minutes old, over 0 seconds"))),
            ("t", 0, 0, None),
            ("t", -60, 14, None),
            ("t", -61, 14, Some("it is of a time that is still to come: the clock was set back".into())),
            ("u", 0, 14, Some("it is of another cluster, or of topics that were made anew".into())),
        ] {
            let at = Millis::new(8_000_000);
            let mark = Mark { trail: trail.into(), at, coverage: None, changelogs: BTreeMap::new() };
            let now = Millis::new(8_000_000 + minutes * 60_000);
            let oldest_state = Duration::from_secs(oldest_days * 86_400);
            assert_eq!(unusable(&mark, &ids, Times { now, oldest_state }), expected, "{trail} {minutes}");
        }
    }

    #[test]
    fn a_restore_that_gets_nowhere_is_said_every_half_minute() {
        let start = Instant::now();
        let mut standstill = Standstill::new(start);
        for (second, left, said) in [
            (0, 9, false),
            (29, 9, false),
            (30, 9, true),
            (31, 9, false),
            (59, 8, false),
            (60, 8, false),
            (89, 8, true),
        ] {
            let now = start + Duration::from_secs(second);
            assert_eq!(standstill.is_to_be_said(left, now), said, "{second}");
        }
    }
}
