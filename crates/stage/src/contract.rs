//! The `Stage` trait and how a stage tells the runtime what it reads, writes and restores.

use crate::{Coverage, Label, Mark, Millis, Offset, Outcome, Partition, Record, Sink, TopicIndex};

/// One partition's stage: its rules and the state they need.
///
/// The runtime calls, per transaction: `process` for each record in log order, `flush` once,
/// `cover` once, then after the commit `commit`, or after an abort `rollback`. Everything written
/// between two commits is an overlay: `rollback` drops it and leaves the committed state as it was.
pub trait Stage: Send {
    /// Handles one input record, sending what it yields.
    ///
    /// # Errors
    /// [`StageError`] when the record could not be judged; the transaction is aborted.
    fn process(&mut self, record: &Record<'_>, sink: &mut dyn Sink) -> Result<Outcome, StageError>;

    /// Sends every row that changed since the last commit, each once.
    ///
    /// # Errors
    /// [`StageError`] when the state cannot be read; the transaction is aborted.
    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), StageError>;

    /// Sends this coverage, stamped `now`.
    ///
    /// # Errors
    /// [`StageError`] when it cannot be encoded.
    fn cover(&mut self, coverage: &Coverage, now: Millis, sink: &mut dyn Sink) -> Result<(), StageError>;

    /// Accounts for the offsets `from..until`, which expired before they were read.
    ///
    /// # Errors
    /// [`StageError`] when it cannot be encoded.
    fn expire(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError>;

    /// The transaction is committed: its changes are state now, which reflects `mark`.
    ///
    /// # Errors
    /// [`StageError`] when the store refused them; the state must be restored from the topics.
    fn commit(&mut self, mark: &Mark) -> Result<(), StageError>;

    /// The transaction is aborted: drops its changes.
    fn rollback(&mut self);

    /// Takes one committed record of a changelog, in log order. Called only before the first
    /// `process`; the ledger's records come first, then those of [`Stage::changelogs`].
    ///
    /// # Errors
    /// [`StageError::Stop`] when the record cannot be read.
    fn restore(&mut self, topic: TopicIndex, record: &Record<'_>) -> Result<(), StageError>;

    /// What was restored so far is state now, which reflects `mark`. Called while a restore goes on,
    /// so that its work is not lost with the process, and at its end.
    ///
    /// # Errors
    /// [`StageError`] when the store refused it.
    fn restored(&mut self, mark: &Mark) -> Result<(), StageError>;

    /// What the state reflected when the stage was made: of the topics only what came after that must
    /// be restored. `None` where there was no state.
    fn mark(&self) -> Option<&Mark>;

    /// Sets aside all state, and says why: it must be restored as a whole.
    ///
    /// # Errors
    /// [`StageError`] when the store refused it.
    fn reset(&mut self, why: &str) -> Result<(), StageError>;

    /// The coverage of this stage and partition: the restored ledger's, or, where nothing newer was
    /// restored, what the state had.
    fn coverage(&self) -> Option<&Coverage>;

    /// What to read, beyond the ledger, before the first input record.
    fn changelogs(&self, point: RestorePoint) -> Vec<Changelog>;

    /// Rows held per table, for metrics.
    fn rows(&self) -> Vec<(Label, u64)>;
}

/// Where the input goes on after a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestorePoint {
    /// Broker time of the first unread input record, or of the last read one where none is
    /// unread; `None` on a first run.
    pub time: Option<Millis>,
}

/// One topic to read a partition's state from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changelog {
    /// The topic; the partition is the stage's own.
    pub topic: TopicIndex,
    /// Where to begin; the end is the committed end.
    pub from: ReadFrom,
}

/// Where to begin reading a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// At its first record.
    Start,
    /// At the first record that is not older than this.
    Time(Millis),
}

/// Why a stage could not go on. Bad input is never an error: it becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// Something outside is not there now (a schema registry): abort, wait, try again.
    #[error("{0}")]
    Retry(String),
    /// The state is not to be trusted: abort and restore it from the topics.
    #[error("{0}")]
    Rebuild(String),
    /// The state cannot be kept now, as its disk is full or gone, or somebody else has it: abort,
    /// wait, restore it from the topics.
    #[error("{0}")]
    Storage(String),
    /// A person must act: stop the stage and say so.
    #[error("{0}")]
    Stop(String),
}

/// What the runtime must know of a stage before it has a partition.
#[derive(Clone, Debug)]
pub struct StageSpec {
    /// The stage's name, part of its group, transactional ids and metrics.
    pub name: Label,
    /// Topic names; [`TopicIndex`] points into this list.
    pub topics: Vec<String>,
    /// The topic it reads.
    pub input: TopicIndex,
    /// The topic that holds its coverage; restored first.
    pub ledger: TopicIndex,
    /// Every topic it writes, by which a first run is told from lost coverage. May hold `input`
    /// (re-routed actions), which says nothing about that.
    pub outputs: Vec<TopicIndex>,
    /// Every value that `Outcome::Emit::class` can have.
    pub classes: Vec<Label>,
    /// Every reason that `Outcome::Skip` can have.
    pub skips: Vec<Label>,
    /// Every reason that `Outcome::Reject` can have.
    pub rejects: Vec<Label>,
}

impl StageSpec {
    /// The name of a topic.
    ///
    /// # Panics
    /// If the index was made for another stage.
    #[must_use]
    pub fn topic(&self, index: TopicIndex) -> &str {
        &self.topics[index.index()]
    }
}

/// Makes one stage per partition.
pub trait StageFactory: Send + Sync {
    /// What the stages read and write.
    fn spec(&self) -> &StageSpec;

    /// A stage for this partition, with the state that an earlier one left where it is kept on disk,
    /// else with none.
    ///
    /// # Errors
    /// [`StageError::Storage`] when its store cannot be opened now.
    fn create(&self, partition: Partition) -> Result<Box<dyn Stage>, StageError>;
}
