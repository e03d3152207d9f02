//! One partition's stage and how far it has come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stage::{Coverage, Mark, Millis, Offset, Partition, Stage, StageError, StageFactory, TopicIndex};

use crate::start::Start;

/// Coverage is refreshed this often where no record comes, so that retention does not take it.
const REFRESH: Duration = Duration::from_secs(24 * 3600);

/// One partition's stage and how far it has come.
pub(crate) struct Task {
    pub(crate) stage: Box<dyn Stage>,
    /// The next offset to process.
    pub(crate) next: Offset,
    /// The next offset as of the last commit.
    pub(crate) committed: Offset,
    /// Broker time of the last record read, and the same as of the last commit.
    last_read: Option<Millis>,
    committed_read: Option<Millis>,
    /// Offsets that expired unread and are not accounted for yet.
    pub(crate) expired: Option<(Offset, Offset)>,
    /// How many offsets expired unread, in all, as of the last commit.
    pub(crate) expired_in_all: u64,
    /// Whether coverage is due though no record came.
    due: bool,
    covered: Instant,
    /// Whether the open transaction holds something of this partition.
    pub(crate) touched: bool,
    /// Of each changelog, the offset up to which committed state reflects it.
    reflected: BTreeMap<TopicIndex, Offset>,
}

impl Task {
    pub(crate) fn new(factory: &dyn StageFactory, partition: Partition) -> Result<Self, StageError> {
        Ok(Self {
            stage: factory.create(partition)?,
            next: Offset::new(0),
            committed: Offset::new(0),
            last_read: None,
            committed_read: None,
            expired: None,
            expired_in_all: 0,
            due: false,
            covered: Instant::now(),
            touched: false,
            reflected: BTreeMap::new(),
        })
    }

    /// Sets the task to where it starts, its state reflecting the changelogs so far.
    pub(crate) fn begin(&mut self, start: Start, reflected: BTreeMap<TopicIndex, Offset>) {
        self.reflected = reflected;
        self.next = start.next;
        self.committed = start.next;
        self.last_read = self.stage.coverage().and_then(|coverage| coverage.last_read);
        self.committed_read = self.last_read;
        self.expired = start.expired;
        self.expired_in_all = self.stage.coverage().map_or(0, |coverage| coverage.expired);
        // Whether this is the first run or not: a partition that is quiet but often reassigned would
        // otherwise never come to the daily refresh.
        self.due = true;
    }

    /// Whether a transaction is called for even without a record.
    pub(crate) fn is_due(&self) -> bool {
        self.due || self.expired.is_some() || self.covered.elapsed() >= REFRESH
    }

    /// A record was processed.
    pub(crate) fn read(&mut self, offset: Offset, at: Millis) {
        self.next = offset.next();
        self.last_read = Some(at);
        self.touched = true;
    }

    pub(crate) fn coverage(&self, cluster_id: &str, topic_id: &str) -> Coverage {
        Coverage {
            next: self.next,
            last_read: self.last_read,
            cluster_id: cluster_id.to_owned(),
            topic_id: topic_id.to_owned(),
            expired: self.expired_in_all + self.newly_expired(),
        }
    }

    /// Seconds since the broker time of the last record read.
    pub(crate) fn age(&self, now: Millis) -> Option<f64> {
        self.last_read.map(|at| (now.get() - at.get()).max(0) as f64 / 1e3)
    }

    fn newly_expired(&self) -> u64 {
        self.expired.map_or(0, |(from, until)| u64::try_from(until.number() - from.number()).unwrap_or(0))
    }

    /// The transaction is committed; `written` says how far each changelog has come by it.
    pub(crate) fn commit(
        &mut self,
        coverage: Coverage,
        trail: &str,
        now: Millis,
        written: impl Fn(TopicIndex) -> Option<Offset>,
    ) -> Result<(), StageError> {
        self.expired_in_all += self.newly_expired();
        self.touched = false;
        self.due = false;
        self.expired = None;
        self.covered = Instant::now();
        self.committed = self.next;
        self.committed_read = self.last_read;
        for (topic, reflected) in &mut self.reflected {
            *reflected = written(*topic).map_or(*reflected, |written| written.max(*reflected));
        }
        let changelogs = self.reflected.clone();
        self.stage.commit(&Mark { trail: trail.to_owned(), at: now, coverage: Some(coverage), changelogs })
    }

    pub(crate) fn rollback(&mut self) {
        self.touched = false;
        self.next = self.committed;
        self.last_read = self.committed_read;
        self.stage.rollback();
    }
}
