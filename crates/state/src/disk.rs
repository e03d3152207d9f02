//! One partition's store on disk, over fjall: rows by table and key, and the head that says what they reflect.
//!
//! Each batch is atomic and checked when it is read back; it is handed to the operating system, not to
//! the disk, so that it survives the process's end. After a power cut the store may be at an earlier
//! batch, whose head says so.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace};
use stage::Mark;
use stage::store::{Change, Store, StoreError, Table, Visit};

use crate::folder::{Folder, SET_ASIDE};
use crate::gathered::{Gathered, after, place, table_of};
use crate::head::Head;
use crate::sweep::make_room;

/// Changes without a mark are gathered up to so many bytes.
const GATHERED: usize = 2 << 20;
/// Fewer bytes than these are not worth a file of their own.
const RUN: usize = 1 << 20;
/// The key of the head, beyond those of every table but the last.
const HEAD: &[u8] = &[0xff, 0xff, b'h'];
/// The file that says that a store is not to be used again.
const DAMAGED: &str = "damaged";

/// One partition's committed state on disk.
pub struct DiskStore {
    /// There until it is set aside.
    open: Option<Open>,
    folder: Folder,
    path: PathBuf,
    mark: Option<Mark>,
    /// Rows by table; none while they are not counted.
    rows: Option<BTreeMap<u16, u64>>,
    /// Changes that are not written yet.
    gathered: Gathered,
    damaged: Cell<bool>,
}

struct Open {
    // Dropped in this order.
    rows: Keyspace,
    db: Database,
}

impl std::fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStore")
            .field("path", &self.path)
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

impl DiskStore {
    pub(crate) fn open(path: &Path, folder: &Folder) -> Result<Self, StoreError> {
        let mut store = Self {
            open: None,
            folder: folder.clone(),
            path: path.to_owned(),
            mark: None,
            rows: None,
            gathered: Gathered::default(),
            damaged: Cell::new(false),
        };
        match store.open_here() {
            Ok(()) => {}
            Err(StoreError::Damaged(why)) => store.set_aside(&why)?,
            Err(error) => return Err(error),
        }
        Ok(store)
    }

    fn open_here(&mut self) -> Result<(), StoreError> {
        if let Ok(why) = std::fs::read_to_string(self.path.join(DAMAGED)) {
            return Err(StoreError::Damaged(why));
        }
        let config = self.folder.config(&self.path);
        let options = || self.folder.options();
        let opened = self.guarded(|| {
            let db = Database::open(config)?;
            let rows = db.keyspace("rows", options)?;
            let head = rows.get(HEAD)?;
            Ok((Open { rows, db }, head))
        });
        let (open, head) = opened?;
        let head = head.map(|head| Head::read(&head)).transpose().map_err(StoreError::Damaged)?;
        if head.is_none() && open.rows.first_key_value().is_some() {
            return Err(StoreError::Damaged("a restore into it was not finished".into()));
        }
        self.mark = head.as_ref().map(Head::mark);
        self.rows = head.and_then(|head| head.rows);
        self.open = Some(open);
        Ok(())
    }

    /// Moves what is there out of the way and begins empty.
    fn set_aside(&mut self, why: &str) -> Result<(), StoreError> {
        self.close();
        let aside = self.path.with_extension(SET_ASIDE);
        tracing::warn!(
            state = %self.path.display(),
            set_aside = %aside.display(),
            why,
            "state on disk is not used: it is rebuilt from the topics"
        );
        let unwritable = |error: std::io::Error| {
            StoreError::Unwritable(format!("{} cannot be set aside: {error}", self.path.display()))
        };
        match std::fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        match std::fs::rename(&self.path, &aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        self.open_here().map_err(|error| match error {
            StoreError::Damaged(why) => {
                StoreError::Unwritable(format!("{} cannot be made: {why}", self.path.display()))
            }
            error => error,
        })
    }

    fn close(&mut self) {
        self.open = None;
        self.mark = None;
        self.rows = None;
        self.gathered = Gathered::default();
        self.damaged.set(false);
    }

    fn here(&self) -> Result<&Open, StoreError> {
        self.open.as_ref().ok_or_else(|| StoreError::Unwritable(format!("{} is closed", self.path.display())))
    }

    /// Calls fjall. Whatever it says, or where it panics over what it finds, the store is not to be
    /// trusted; only the topics are.
    fn guarded<T>(&self, call: impl FnOnce() -> fjall::Result<T>) -> Result<T, StoreError> {
        let outcome = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(outcome) => outcome.map_err(|error| self.problem(&error)),
            Err(_) => Err(StoreError::Damaged(format!("{}: it cannot be read", self.path.display()))),
        };
        if let Err(StoreError::Unwritable(_)) = &outcome {
            make_room(self.folder.path());
        }
        outcome
    }

    fn problem(&self, error: &fjall::Error) -> StoreError {
        let path = self.path.display();
        let io = match error {
            fjall::Error::Locked => return StoreError::Busy(format!("{path} is open elsewhere")),
            // One of its threads could not write a segment. What is damaged is found when it is opened again.
            fjall::Error::Poisoned => {
                return StoreError::Unwritable(format!("{path}: a segment could not be written"));
            }
            fjall::Error::Io(io) | fjall::Error::Storage(fjall::LsmError::Io(io)) => io,
            error => return StoreError::Damaged(format!("{path}: {error:?}")),
        };
        if is_the_disks(io) {
            StoreError::Unwritable(format!("{path}: {io}"))
        } else {
            StoreError::Damaged(format!("{path}: {io}"))
        }
    }

    /// As [`DiskStore::guarded`], once it is open: damage is remembered for the next time it is opened.
    fn trusting<T>(&self, call: impl FnOnce() -> fjall::Result<T>) -> Result<T, StoreError> {
        let outcome = self.guarded(call);
        if let Err(StoreError::Damaged(why)) = &outcome
            && !self.damaged.replace(true)
            && let Err(error) = std::fs::write(self.path.join(DAMAGED), why)
        {
            tracing::error!(state = %self.path.display(), %error, "damaged state cannot be marked: remove it");
        }
        outcome
    }

    /// How many bytes of changes without a mark are gathered: while a store is filled for the first time by far more, as
    /// each time is a sorted run then, and runs are merged.
    fn limit(&self) -> usize {
        if self.rows.is_some() { GATHERED } else { self.folder.run().max(GATHERED) }
    }

    /// Writes what was gathered, and the head where one is given.
    fn write(&mut self, mark: Option<&Mark>) -> Result<(), StoreError> {
        let gathered = std::mem::take(&mut self.gathered);
        if let Some(mut rows) = self.rows.take() {
            self.count(&mut rows, &gathered)?;
            self.rows = Some(rows);
        } else if gathered.bytes() >= RUN {
            let open = self.here()?;
            self.trusting(|| gathered.ingest(&open.rows))?;
            return mark.map_or(Ok(()), |mark| self.write(Some(mark)));
        }
        let open = self.here()?;
        let mut batch = open.db.batch();
        gathered.write(&open.rows, &mut batch);
        if let Some(mark) = mark {
            let head = Head::new(mark, self.rows.clone());
            batch.insert(&open.rows, HEAD, head.to_bytes());
        }
        self.trusting(|| batch.commit())
    }

    /// Counts what these changes add and remove.
    fn count(&self, rows: &mut BTreeMap<u16, u64>, changes: &Gathered) -> Result<(), StoreError> {
        let open = self.here()?;
        for (place, value) in changes.iter() {
            let there = self.trusting(|| open.rows.contains_key(place))?;
            let count = rows.entry(table_of(place)).or_default();
            match (there, value) {
                (false, Some(_)) => *count += 1,
                (true, None) => *count = count.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts all rows.
    fn count_all(&self) -> Result<BTreeMap<u16, u64>, StoreError> {
        let open = self.here()?;
        let mut rows = BTreeMap::new();
        self.trusting(|| {
            for item in open.rows.iter() {
                let key = item.key()?;
                if key[..] != *HEAD {
                    *rows.entry(table_of(&key)).or_default() += 1;
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }
}

impl Store for DiskStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let key = place(table, key);
        if let Some(value) = self.gathered.get(&key) {
            return Ok(value.map(|value| value.to_vec()));
        }
        let open = self.here()?;
        let value = self.trusting(|| open.rows.get(&key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let range = place(table, from)..after(table);
        let mut gathered = self.gathered.range(range.clone()).peekable();
        let mut written = self.here()?.rows.range(range);
        let mut next = || self.trusting(|| written.next().map(fjall::Guard::into_inner).transpose());
        let mut row = next()?;
        loop {
            let first = match (gathered.peek(), &row) {
                (None, None) => return Ok(()),
                (Some((key, _)), Some((other, _))) if key[..] > other[..] => None,
                (None, Some(_)) => None,
                (Some((key, _)), other) => {
                    if other.as_ref().is_some_and(|(other, _)| other[..] == key[..]) {
                        row = next()?;
                    }
                    gathered.next()
                }
            };
            let told = match first {
                Some((_, None)) => ControlFlow::Continue(()),
                Some((key, Some(value))) => visit(&key[2..], value),
                None => {
                    let (key, value) = row.take().expect("one of the two is there");
                    row = next()?;
                    visit(&key[2..], &value)
                }
            };
            if told.is_break() {
                return Ok(());
            }
        }
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.gathered.take(changes);
        if self.gathered.bytes() < self.limit() { Ok(()) } else { self.write(None) }
    }

    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError> {
        self.gathered.take(changes);
        if self.rows.is_none() && mark.coverage.is_some() {
            self.write(None)?;
            self.rows = Some(self.count_all()?);
        }
        self.write(Some(mark))?;
        self.mark = Some(mark.clone());
        Ok(())
    }

    fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    fn reset(&mut self, why: &str) -> Result<(), StoreError> {
        self.set_aside(why)
    }

    fn len(&self, table: Table) -> u64 {
        self.rows.as_ref().and_then(|rows| rows.get(&table.number())).copied().unwrap_or(0)
    }
}

/// Whether an error is over when there is room or the disk is back. Every other one is of what lies on it, however it is told: a
/// file that was cut gives a wrong seek, a sector that cannot be read an error of its own; and nobody should have to mend a cache.
fn is_the_disks(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        FileTooLarge, Interrupted, OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        ResourceBusy, StaleNetworkFileHandle, StorageFull, TimedOut,
    };
    // ENFILE and EMFILE, the same on every Unix; no kind is theirs.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code))
        || matches!(
            error.kind(),
            FileTooLarge
                | Interrupted
                | OutOfMemory
                | PermissionDenied
                | QuotaExceeded
                | ReadOnlyFilesystem
                | ResourceBusy
                | StaleNetworkFileHandle
                | StorageFull
                | TimedOut
        )
}
