//! State that an earlier process left on disk: what it says of itself, and rows in it that nobody checked but the store.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use catalog::Topic;
use pipeline::{AggregatorStages, NormalizerConfig, NormalizerStages};
use stage::store::{Change, MemoryStore, Store, StoreError, Table, Visit};
use stage::{Mark, Partition, Stage, StageError, StageFactory};

use crate::blocks::pieces;
use crate::framing;
use crate::kept::{Kept, Sent};
use crate::normalizing::{COUNT, NOW};
use crate::restoring::{EVENTS, INPUT, record};

/// Rows at most.
const MOST: usize = 24;
/// How much later the last record comes: all that was remembered is forgotten by then, 100 days.
const LATER: i64 = 100 * 24 * 3_600_000;

/// A store in memory that outlives its stages, as one on disk does, and says that an earlier process left it.
#[derive(Clone)]
pub(crate) struct Left {
    rows: Arc<Mutex<MemoryStore>>,
    mark: Mark,
}

impl Left {
    /// A store with these rows: the choice of each piece is its table, and its first byte how long its key is.
    fn of(rows: &[(u8, &[u8])]) -> Self {
        let mut store = MemoryStore::default();
        let change = |(table, row): &(u8, &[u8])| {
            let (length, row) = row.split_first()?;
            let (key, value) = row.split_at(usize::from(*length).min(row.len()));
            Some(Change { table: Table::new(u16::from(*table)), key: key.into(), value: Some(value.into()) })
        };
        store.apply(rows.iter().filter_map(change).collect()).expect("memory takes all");
        Self { rows: Arc::new(Mutex::new(store)), mark: Mark::unkept() }
    }

    /// A store that is empty at first, and what opens it, whatever the partition.
    pub(crate) fn shared() -> (Self, impl Fn(Partition) -> Result<Box<dyn Store>, StoreError> + Send + Sync) {
        let left = Self::of(&[]);
        let opened = left.clone();
        (left, move |_| Ok(Box::new(opened.clone())))
    }

    /// All rows as pieces; one whose key is longer than a byte can say is left out.
    pub(crate) fn rows(&self) -> Vec<(u8, Vec<u8>)> {
        let mut pieces = Vec::new();
        for table in 0..u8::try_from(Topic::COUNT).expect("there are 42 topics") {
            let mut visit = |key: &[u8], value: &[u8]| {
                if let Ok(length) = u8::try_from(key.len()) {
                    pieces.push((table, [&[length][..], key, value].concat()));
                }
                ControlFlow::Continue(())
            };
            self.scan(Table::new(u16::from(table)), &[], &mut visit).expect("memory reads");
        }
        pieces
    }

    fn held(&self) -> std::sync::MutexGuard<'_, MemoryStore> {
        self.rows.lock().expect("no stage panicked while it held the store")
    }
}

impl Store for Left {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.held().get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.held().scan(table, from, visit)
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.held().apply(changes)
    }

    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError> {
        self.mark = mark.clone();
        self.held().commit(changes, mark)
    }

    fn mark(&self) -> Option<&Mark> {
        Some(&self.mark)
    }

    fn reset(&mut self, why: &str) -> Result<(), StoreError> {
        self.held().reset(why)
    }

    fn len(&self, table: Table) -> u64 {
        self.held().len(table)
    }
}

/// The head of a store: JSON. What can be read is written again and says the same then.
pub(crate) fn head(data: &[u8]) {
    let Ok(mark) = state::read_head(data) else { return };
    let again = state::read_head(&state::write_head(&mark));
    assert_eq!(again.as_ref(), Ok(&mark), "what was read again is not what was written");
}

/// The first byte chooses the stage, the rest are its rows. A stage over them works, asks for a rebuild, or stops and says why.
pub(crate) fn rows(data: &[u8]) {
    let Some((choice, rows)) = data.split_first() else { return };
    let left = Left::of(&pieces(rows, MOST));
    let open = move |_| Ok::<Box<dyn Store>, StoreError>(Box::new(left.clone()));
    let partition = COUNT.partition_of(b"acme");
    let (stage, input) = if choice % 2 == 0 {
        let config = NormalizerConfig::new(COUNT, framing::codec());
        (NormalizerStages::with_store(config, open).create(partition), &INPUT)
    } else {
        (AggregatorStages::with_store(framing::codec(), open).create(partition), &EVENTS)
    };
    if let Err(error) = stage.and_then(|mut stage| work(stage.as_mut(), input)) {
        assert!(!matches!(error, StageError::Retry(_)), "nothing outside is at fault: {error:?}");
    }
}

fn work(stage: &mut dyn Stage, input: &[Kept]) -> Result<(), StageError> {
    let mut sent = Sent::default();
    for (offset, one) in (0..).zip(input) {
        stage.process(&one.record(offset), &mut sent)?;
    }
    stage.flush(&mut sent)?;
    stage.commit(&Mark::unkept())?;
    let later = Kept { timestamp: NOW + LATER, ..record(b"acme".to_vec(), None) };
    stage.process(&later.record(99), &mut sent)?;
    stage.commit(&Mark::unkept())
}
