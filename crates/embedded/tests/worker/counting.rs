//! A small stage with all that makes a stage hard: per-key counts as state, rows as their changelog,
//! coverage in a ledger, and records that belong to another partition. It can be made to fail, and
//! counts what it is asked to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stage::{
    Changelog, Coverage, Mark, Millis, Offset, Outcome, Output, Partition, ReadFrom, Record, RestorePoint,
    Sink, Stage, StageError, StageFactory, StageSpec, TopicIndex,
};

pub(crate) const TOPICS: [&str; 4] = ["input", "events", "rows", "ledger"];
const INPUT: TopicIndex = TopicIndex::new(0);
const EVENTS: TopicIndex = TopicIndex::new(1);
pub(crate) const ROWS: TopicIndex = TopicIndex::new(2);
const LEDGER: TopicIndex = TopicIndex::new(3);

/// Records with this key meet the trouble that the stage has.
pub(crate) const TROUBLED: &str = "troubled";

/// What becomes of a record with the key [`TROUBLED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is counted, as any other.
    #[default]
    None,
    /// The stage panics so many times more.
    Panics(u32),
    /// The stage does not trust its state.
    Distrust,
}

/// What the stages of one factory were asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Stages made.
    pub(crate) made: u32,
    /// Those of them that are being restored, and the most that ever were at the same time.
    pub(crate) restoring: i32,
    pub(crate) most_restoring: i32,
    /// Records taken by restores.
    pub(crate) restored: u64,
    /// Panics so far.
    pub(crate) panicked: u32,
}

/// Makes counting stages.
pub(crate) struct Counting {
    spec: StageSpec,
    work: Shared,
}

type Shared = Arc<Mutex<(Work, Trouble)>>;

impl Counting {
    pub(crate) fn new() -> Self {
        Self { spec: spec(), work: Shared::default() }
    }

    pub(crate) fn with(trouble: Trouble) -> Self {
        Self { spec: spec(), work: Arc::new(Mutex::new((Work::default(), trouble))) }
    }

    pub(crate) fn work(&self) -> Work {
        self.work.lock().expect("nobody panics while holding it").0
    }
}

fn spec() -> StageSpec {
    StageSpec {
        name: "counting",
        topics: TOPICS.map(str::to_owned).to_vec(),
        input: INPUT,
        ledger: LEDGER,
        outputs: vec![INPUT, EVENTS, ROWS, LEDGER],
        classes: vec!["counted"],
        skips: vec![],
        rejects: vec![],
    }
}

impl StageFactory for Counting {
    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn create(&self, partition: Partition) -> Result<Box<dyn Stage>, StageError> {
        let (work, _) = &mut *self.work.lock().expect("nobody panics while holding it");
        work.made += 1;
        work.restoring += 1;
        work.most_restoring = work.most_restoring.max(work.restoring);
        let (committed, overlay) = (Counts::new(), Counts::new());
        let work = Arc::clone(&self.work);
        Ok(Box::new(State { partition, committed, overlay, coverage: None, work, is_restored: false }))
    }
}

type Counts = BTreeMap<String, u64>;

struct State {
    partition: Partition,
    committed: Counts,
    overlay: Counts,
    coverage: Option<Coverage>,
    work: Shared,
    is_restored: bool,
}

impl Drop for State {
    fn drop(&mut self) {
        self.no_longer_restoring();
    }
}

impl State {
    fn no_longer_restoring(&mut self) {
        if !std::mem::replace(&mut self.is_restored, true) {
            self.work.lock().expect("nobody panics while holding it").0.restoring -= 1;
        }
    }

    fn meet_trouble(&self) -> Result<(), StageError> {
        let mut held = self.work.lock().expect("nobody panics while holding it");
        let (work, trouble) = &mut *held;
        match trouble {
            Trouble::Panics(left @ 1..) => {
                *left -= 1;
                work.panicked += 1;
                drop(held);
                panic!("a stage of a test panics");
            }
            Trouble::Distrust => Err(StageError::Rebuild("the counts are not to be trusted".into())),
            Trouble::None | Trouble::Panics(0) => Ok(()),
        }
    }

    fn send(&self, sink: &mut dyn Sink, topic: TopicIndex, timestamp: Millis, key: &str, value: &str) {
        let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
        sink.send(&Output { topic, partition: self.partition, timestamp, key, value, headers: &[] });
    }
}

impl Stage for State {
    fn process(&mut self, record: &Record<'_>, sink: &mut dyn Sink) -> Result<Outcome, StageError> {
        let (key, value) = (text(record.key)?, text(record.value)?);
        // `>2 rest` belongs to partition 2, as `rest`.
        if let Some((number, rest)) = value.strip_prefix('>').and_then(|value| value.split_once(' ')) {
            let home = Partition::new(number.parse().map_err(|e| StageError::Stop(format!("{e}")))?);
            let value = Some(rest.as_bytes());
            let timestamp = record.timestamp;
            sink.send(&Output {
                topic: INPUT,
                partition: home,
                timestamp,
                key: record.key,
                value,
                headers: &[],
            });
            return Ok(Outcome::Reroute(home));
        }
        if key == TROUBLED {
            self.meet_trouble()?;
        }
        let count = 1 + self.overlay.get(key).or(self.committed.get(key)).copied().unwrap_or(0);
        self.overlay.insert(key.to_owned(), count);
        self.send(sink, EVENTS, record.timestamp, key, &format!("{key} {count} {value}"));
        Ok(Outcome::Emit { class: "counted", occurred_at: record.timestamp })
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), StageError> {
        for (key, count) in &self.overlay {
            self.send(sink, ROWS, Millis::new(1), key, &count.to_string());
        }
        Ok(())
    }

    fn cover(&mut self, coverage: &Coverage, now: Millis, sink: &mut dyn Sink) -> Result<(), StageError> {
        let Coverage { next, last_read, cluster_id, topic_id, .. } = coverage;
        let last_read = last_read.map_or(-1, Millis::get);
        self.send(sink, LEDGER, now, "coverage", &format!("{next} {last_read} {cluster_id} {topic_id}"));
        Ok(())
    }

    fn expire(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        self.send(sink, EVENTS, now, "~expired", &format!("{from}..{until}"));
        Ok(())
    }

    fn commit(&mut self, _: &Mark) -> Result<(), StageError> {
        self.committed.append(&mut self.overlay);
        Ok(())
    }

    fn restored(&mut self, _: &Mark) -> Result<(), StageError> {
        self.no_longer_restoring();
        Ok(())
    }

    fn mark(&self) -> Option<&Mark> {
        None
    }

    fn reset(&mut self, why: &str) -> Result<(), StageError> {
        Err(StageError::Stop(format!("state without a mark is not reset: {why}")))
    }

    fn rollback(&mut self) {
        self.overlay.clear();
    }

    fn restore(&mut self, topic: TopicIndex, record: &Record<'_>) -> Result<(), StageError> {
        self.work.lock().expect("nobody panics while holding it").0.restored += 1;
        let value = text(record.value)?;
        if topic == ROWS {
            let count = value.parse().map_err(|e| StageError::Stop(format!("{e}")))?;
            self.committed.insert(text(record.key)?.to_owned(), count);
            return Ok(());
        }
        let [next, last_read, cluster_id, topic_id] =
            value.split(' ').collect::<Vec<_>>().try_into().map_err(|_| StageError::Stop(value.into()))?;
        let number = |text: &str| text.parse::<i64>().map_err(|e| StageError::Stop(format!("{e}")));
        self.coverage = Some(Coverage {
            next: Offset::new(number(next)?),
            last_read: Some(number(last_read)?).filter(|ms| *ms >= 0).map(Millis::new),
            cluster_id: cluster_id.into(),
            topic_id: topic_id.into(),
            expired: 0,
        });
        Ok(())
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    fn changelogs(&self, _point: RestorePoint) -> Vec<Changelog> {
        vec![Changelog { topic: ROWS, from: ReadFrom::Start }]
    }

    fn rows(&self) -> Vec<(&'static str, u64)> {
        vec![("rows", self.committed.len() as u64)]
    }
}

fn text(bytes: Option<&[u8]>) -> Result<&str, StageError> {
    let bytes = bytes.ok_or_else(|| StageError::Stop("no bytes".into()))?;
    std::str::from_utf8(bytes).map_err(|e| StageError::Stop(format!("{e}")))
}
