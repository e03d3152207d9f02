//! Faults on demand, for the fault campaign's own build: what no signal to a process can bring about.
//!
//! `LMSAUDIT_FAILPOINTS` names a file that is read again at each pass of a loop and each write of state:
//! `stall=15s` makes each worker sleep that long, once for each time the line is written; while it holds
//! `state_write_fails` no state can be written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, SystemTime};

use stage::Mark;
use stage::store::{Change, Store, StoreError, Table, Visit};

static FILE: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| std::env::var_os("LMSAUDIT_FAILPOINTS").map(PathBuf::from));
/// Which version of the file each worker has stalled for.
static STALLED: LazyLock<Mutex<HashMap<ThreadId, SystemTime>>> = LazyLock::new(Mutex::default);

fn lines() -> Option<(SystemTime, String)> {
    let file = FILE.as_ref()?;
    let changed = std::fs::metadata(file).and_then(|about| about.modified()).ok()?;
    Some((changed, std::fs::read_to_string(file).ok()?))
}

/// Sleeps as long as the file says; called at each pass of a worker's loop.
pub(super) fn stall() {
    let Some((changed, lines)) = lines() else { return };
    let Some(length) = lines.lines().find_map(|line| line.strip_prefix("stall=")) else { return };
    let seconds: u64 = length.trim_end_matches('s').parse().expect("stall=15s");
    let mut stalled = STALLED.lock().expect("nothing panics while holding it");
    if stalled.insert(std::thread::current().id(), changed) == Some(changed) {
        return;
    }
    drop(stalled);
    tracing::warn!(seconds, "failpoint: the worker stalls");
    std::thread::sleep(Duration::from_secs(seconds));
}

/// A store whose writes fail while the file says so.
pub(super) fn failing(store: Box<dyn Store>) -> Box<dyn Store> {
    Box::new(Failing(store))
}

struct Failing(Box<dyn Store>);

fn check() -> Result<(), StoreError> {
    match lines() {
        Some((_, lines)) if lines.lines().any(|line| line == "state_write_fails") => {
            tracing::warn!("failpoint: state is not written");
            Err(StoreError::Unwritable("failpoint state_write_fails".into()))
        }
        _ => Ok(()),
    }
}

impl Store for Failing {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.0.scan(table, from, visit)
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        check().and_then(|()| self.0.apply(changes))
    }

    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError> {
        check().and_then(|()| self.0.commit(changes, mark))
    }

    fn mark(&self) -> Option<&Mark> {
        self.0.mark()
    }

    fn reset(&mut self, why: &str) -> Result<(), StoreError> {
        check().and_then(|()| self.0.reset(why))
    }

    fn len(&self, table: Table) -> u64 {
        self.0.len(table)
    }
}
