//! The folder of a process's state: held by one process, a directory per stage and partition in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use fjall::KeyspaceCreateOptions;
use fjall::compaction::Leveled;
use fjall::config::PinningPolicy;
use stage::store::StoreError;
use stage::{Label, Partition};

use crate::disk::DiskStore;
use crate::sweep::sweep;

/// The extension of what was set aside.
pub(crate) const SET_ASIDE: &str = "set-aside";

/// How much memory the stores of a process may take for themselves.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes in all, of blocks kept in memory and of what is not on disk yet.
    pub bytes: u64,
    /// How many stores are expected to share it: partitions times stages.
    pub stores: u32,
}

impl Memory {
    /// Bytes for blocks, shared by all stores.
    fn cache(self) -> u64 {
        self.bytes / 2
    }

    /// Bytes of new rows that one store gathers before it writes a file. Under load it has up to five such in memory, the
    /// one that grows and four that wait to be written: then it waits itself.
    fn table(self) -> u64 {
        (self.bytes / 8 / u64::from(self.stores.max(1))).clamp(1 << 20, 16 << 20)
    }

    /// Bytes of rows that one store gathers while it is filled for the first time. A few are at the same time, the others
    /// have next to nothing in memory then.
    fn run(self) -> u64 {
        (self.bytes / 12).clamp(2 << 20, 32 << 20)
    }
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub enum FolderError {
    /// Another process holds it.
    Held {
        /// The folder.
        path: PathBuf,
        /// What the holder wrote of itself: its process id.
        holder: String,
    },
    /// Something else lies there.
    NoFolder {
        /// Where.
        path: PathBuf,
    },
    /// It cannot be made or written.
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

impl std::fmt::Display for FolderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held { path, holder } => write!(
                f,
                "the state folder {} is held by process {holder}: give each process one of its own (state.dir), or end that process",
                path.display()
            ),
            Self::NoFolder { path } => write!(
                f,
                "the state folder {} is no folder: name one, or one that can be made (state.dir)",
                path.display()
            ),
            Self::Io { path, error } => {
                write!(f, "the state folder {} cannot be used: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for FolderError {}

/// A folder of state, held by this process as long as this value or a store of it lives.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
    config: fjall::Config,
    memory: Memory,
    _lock: Arc<File>,
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Folder {
    /// Takes hold of a folder, which is made where it is missing, for its owner alone. State that was set aside by an
    /// earlier holder, and state that nobody wrote for 14 days, is removed.
    ///
    /// # Errors
    /// [`FolderError`] when another process holds it, it is no folder, or it cannot be written.
    pub fn hold(path: &Path, memory: Memory) -> Result<Self, FolderError> {
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NoFolder { path: path.to_owned() });
        }
        let io = |error| FolderError::Io { path: path.to_owned(), error };
        // Rows name people: nobody else is to read them.
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path).map_err(io)?;
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join("lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder).map_err(io)?;
                return Err(FolderError::Held { path: path.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(io)?;
        writeln!(lock, "{}", std::process::id()).map_err(io)?;
        sweep(path, SystemTime::now());
        let config = fjall::Database::builder(path).cache_size(memory.cache()).into_config();
        Ok(Self { path: path.to_owned(), config, memory, _lock: Arc::new(lock) })
    }

    /// Opens the store of a partition, and makes it where it is missing; what cannot be used is set aside.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another worker has it, [`StoreError::Unwritable`] when it cannot be
    /// made.
    pub fn open(&self, stage: Label, partition: Partition) -> Result<DiskStore, StoreError> {
        let path = self.path.join(stage).join(partition.to_string());
        DiskStore::open(&path, self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How a store of this folder is opened.
    pub(crate) fn config(&self, path: &Path) -> fjall::Config {
        // Few rows change at a time and many stores share a process: one thread each, few open files.
        let builder = fjall::Database::builder(path).worker_threads(1).max_cached_files(Some(24));
        let mut config = builder.max_journaling_size(64 << 20).into_config();
        config.cache = Arc::clone(&self.config.cache);
        config
    }

    /// How the rows of a store are kept, where it is made. Files are in proportion to what a store gathers, as those of
    /// 64 MiB would be written anew for every few MiB that come in; and more of them than usual lie side by side before they
    /// are merged, so that a store that is filled for the first time mostly is not.
    pub(crate) fn options(&self) -> KeyspaceCreateOptions {
        let table = self.memory.table();
        let file = (2 * table).clamp(4 << 20, 64 << 20);
        let merging = Leveled::default().with_l0_threshold(8).with_table_target_size(file);
        KeyspaceCreateOptions::default()
            .max_memtable_size(table)
            .compaction_strategy(Arc::new(merging))
            // Else indexes and filters of files lie in memory beside the cache, in proportion to the rows.
            .index_block_pinning_policy(PinningPolicy::all(false))
            .filter_block_pinning_policy(PinningPolicy::all(false))
    }

    /// Bytes, see [`Memory`].
    pub(crate) fn run(&self) -> usize {
        usize::try_from(self.memory.run()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_folder_and_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state");
        std::fs::write(&file, "mine").expect("written");
        let error = Folder::hold(&file, Memory { bytes: 1 << 20, stores: 1 }).expect_err("refused");
        assert!(matches!(error, FolderError::NoFolder { .. }), "{error}");
        assert!(
            error.to_string().contains("state is no folder: name one, or one that can be made (state.dir)"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "mine");
    }
}
