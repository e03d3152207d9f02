//! A process's state folder as tests handle it: the process that holds it, what its log says of the state, and the head of
//! each store read and written while nobody holds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stage::store::{Change, Store as _, Table};
use stage::{Label, Partition};
use state::{DiskStore, Folder, Memory};
use testkit::{Product, wait_until};
use tests::trail::{LONG, PARTITIONS, Site};

/// The table and key by which a store can be asked for its own head, beyond all tables of the stages.
const HEAD: (Table, &[u8]) = (Table::new(u16::MAX), b"h");

/// A folder of state.
pub(crate) struct Kept {
    folder: tempfile::TempDir,
}

/// What a process says of a partition that it has restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    pub(crate) stage: String,
    pub(crate) partition: u32,
    /// `topics`, or `disk and topics`.
    pub(crate) from: String,
    /// How many records it read.
    pub(crate) records: usize,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder can be made") }
    }

    /// The state of one partition.
    pub(crate) fn store(&self, stage: &str, partition: u32) -> PathBuf {
        self.folder.path().join("state").join(stage).join(partition.to_string())
    }

    /// Starts a process that holds this folder; it may not have come to anything yet.
    pub(crate) fn start(&self, site: &Site, instance: &str, args: &[&str]) -> Product {
        let mut all = vec!["run", "--instance", instance];
        all.extend(args);
        let dir = self.path().to_string_lossy().into_owned();
        let environment = site.environment().into_iter().chain([("LMSAUDIT_STATE_DIR".to_owned(), dir)]);
        Product::spawn(&site.binary, all, environment)
    }

    /// Starts such a process, and waits until it has restored so many partitions.
    #[track_caller]
    pub(crate) fn run(&self, site: &Site, instance: &str, args: &[&str], partitions: usize) -> Product {
        let mut product = self.start(site, instance, args);
        wait_until(LONG, "restored partitions", || {
            assert!(product.is_running(), "it ended before it had restored:\n{}", product.stderr());
            restored(&product.stderr()).len() >= partitions
        });
        product
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Throws all of it away.
    pub(crate) fn remove(&self) {
        std::fs::remove_dir_all(self.path()).expect("a folder of ours");
    }

    /// The same state once more.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        // Journals are long files with little in them; `cp` leaves out what is not there.
        let (from, to) = (self.path(), copy.folder.path().to_owned());
        let status = Command::new("cp").arg("-a").args([&from, &to]).status().expect("cp can be started");
        assert!(status.success(), "{} cannot be copied", from.display());
        copy
    }

    /// Writes bytes that mean nothing over the beginning of every file of a partition's state.
    pub(crate) fn damage(&self, stage: &str, partition: u32) {
        let mut damaged = 0;
        overwrite(&self.store(stage, partition), &mut damaged);
        assert!(damaged > 2, "only {damaged} files were there to damage");
    }

    /// Changes the head of a partition's state.
    pub(crate) fn edit(&self, stage: Label, partition: u32, edit: impl FnOnce(&mut Value)) {
        let mut store = self.open(stage, partition);
        let (table, key) = HEAD;
        let head = store.get(table, key).expect("it can be read").expect("it has a head");
        let mut head = serde_json::from_slice(&head).expect("a head is JSON");
        edit(&mut head);
        // So many changes are gathered before any is written: a large row writes the small one.
        let large = Change { table, key: b"large".as_slice().into(), value: Some(vec![0; 4 << 20].into()) };
        let head = Change { table, key: key.into(), value: Some(head.to_string().into_bytes().into()) };
        store.apply(vec![head, large]).expect("it can be written");
    }

    /// The keys of a table of a partition's state.
    pub(crate) fn keys(&self, stage: Label, partition: u32, table: Table) -> Vec<String> {
        let mut keys = Vec::new();
        let mut visit = |key: &[u8], _: &[u8]| {
            keys.push(String::from_utf8_lossy(key).into_owned());
            std::ops::ControlFlow::Continue(())
        };
        self.open(stage, partition).scan(table, b"", &mut visit).expect("it can be read");
        keys
    }

    fn open(&self, stage: Label, partition: u32) -> DiskStore {
        let folder =
            Folder::hold(&self.path(), Memory { bytes: 8 << 20, stores: 1 }).expect("nobody holds it");
        let store = folder.open(stage, Partition::new(partition)).expect("it can be opened");
        assert!(store.mark().is_some(), "there is state of {stage} {partition}");
        store
    }
}

fn overwrite(path: &Path, damaged: &mut usize) {
    use std::io::Write as _;
    for entry in std::fs::read_dir(path).expect("a folder of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            overwrite(&path, damaged);
        } else {
            let mut file = std::fs::OpenOptions::new().write(true).open(&path).expect("a file of ours");
            file.write_all(&[0xa5; 4096]).expect("a file of ours can be written");
            *damaged += 1;
        }
    }
}

/// The partitions that a process has restored, by its log.
pub(crate) fn restored(log: &str) -> Vec<Restored> {
    let lines = log.lines().filter(|line| line.contains("partition restored"));
    let line = |line: &str| Restored {
        stage: field(line, "stage=").to_owned(),
        partition: field(line, "partition=").parse().expect("a number"),
        from: field(line, "from=").to_owned(),
        records: field(line, "records=").parse().expect("a number"),
    };
    lines.map(line).collect()
}

/// What a process has set aside, by its log: `stage/partition`, and why.
pub(crate) fn set_aside(log: &str) -> Vec<(String, String)> {
    let lines = log.lines().filter(|line| line.contains("state on disk is not used"));
    let line = |line: &str| {
        let path = Path::new(field(line, "state="));
        let mut parts = path.components().rev().map(|part| part.as_os_str().to_string_lossy());
        let (partition, stage) = (parts.next().expect("a partition"), parts.next().expect("a stage"));
        (format!("{stage}/{partition}"), field(line, "why=").to_owned())
    };
    let mut all: Vec<_> = lines.map(line).collect();
    all.sort();
    all
}

/// The value of a field of a line of the log, without its quotes.
fn field<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!(" {name}")).unwrap_or_else(|| panic!("no {name} in {line}"));
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').expect("a quote ends").0,
        None => rest.split(' ').next().expect("there is a first"),
    }
}

/// How many partitions the stages of a site have in all.
pub(crate) const ALL: usize = 2 * PARTITIONS as usize;
