//! The store on disk holds what a store in memory holds, over restarts; and whatever is done to its files, it never
//! gives anything else: it begins empty instead.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stage::store::{Change, MemoryStore, Store, StoreError, Table};
use stage::{Coverage, Mark, Millis, Offset, Partition, TopicIndex};
use state::{DiskStore, Folder, FolderError, Memory};

const TABLES: [Table; 3] = [Table::new(0), Table::new(1), Table::new(1000)];

fn hold(path: &Path) -> Folder {
    Folder::hold(path, Memory { bytes: 8 << 20, stores: 2 }).expect("a folder of ours")
}

fn open(folder: &Folder) -> DiskStore {
    folder.open("stage", Partition::new(3)).expect("it can be opened")
}

fn mark(next: i64) -> Mark {
    let coverage = Coverage {
        next: Offset::new(next),
        last_read: None,
        cluster_id: "c".into(),
        topic_id: "t".into(),
        expired: 0,
    };
    let changelogs = BTreeMap::from([(TopicIndex::new(2), Offset::new(next * 3))]);
    Mark { trail: "trail".into(), at: Millis::new(next), coverage: Some(coverage), changelogs }
}

fn change(table: Table, key: &str, value: Option<&str>) -> Change {
    Change { table, key: key.as_bytes().into(), value: value.map(|value| value.as_bytes().into()) }
}

type Rows = Vec<(Table, Vec<u8>, Vec<u8>)>;

fn rows(store: &dyn Store) -> Result<Rows, StoreError> {
    let mut all = Vec::new();
    for table in TABLES {
        store.scan(table, b"", &mut |key, value| {
            all.push((table, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })?;
    }
    Ok(all)
}

#[derive(Clone, Debug)]
enum Act {
    Apply(Vec<Change>),
    Commit(Vec<Change>),
    Reopen,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let table = prop::sample::select(&TABLES[..]);
    let change = (table, "[ab]{0,3}", prop::option::of("[x-z]{0,40}"))
        .prop_map(|(table, key, value)| change(table, &key, value.as_deref()));
    prop::collection::vec(change, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_a_store_in_memory_holds(acts in prop::collection::vec(prop_oneof![
        changes().prop_map(Act::Apply),
        changes().prop_map(Act::Commit),
        Just(Act::Reopen),
    ], 0..12)) {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let folder = hold(dir.path());
        let mut disk = open(&folder);
        let (mut memory, mut committed, mut next) = (MemoryStore::default(), Vec::new(), 0);
        for act in acts {
            match act {
                Act::Apply(changes) => {
                    disk.apply(changes.clone()).expect("it can be written");
                    memory.apply(changes).expect("memory takes all");
                }
                Act::Commit(changes) => {
                    next += 1;
                    disk.commit(changes.clone(), &mark(next)).expect("it can be written");
                    memory.commit(changes, &mark(next)).expect("memory takes all");
                    committed = rows(&memory).expect("memory reads");
                    for table in TABLES {
                        prop_assert_eq!(disk.len(table), memory.len(table));
                    }
                }
                Act::Reopen => {
                    drop(disk);
                    disk = open(&folder);
                    prop_assert_eq!(disk.mark().cloned(), (next > 0).then(|| mark(next)));
                    // What was applied without a mark is lost, as it is said to be.
                    prop_assert_eq!(&rows(&disk).expect("it can be read"), &committed);
                    memory = MemoryStore::default();
                    let back = committed.iter().map(|(table, key, value)| Change {
                        table: *table,
                        key: key.as_slice().into(),
                        value: Some(value.as_slice().into()),
                    });
                    memory.apply(back.collect()).expect("memory takes all");
                }
            }
            let held = rows(&disk).expect("it can be read");
            prop_assert_eq!(&held, &rows(&memory).expect("memory reads"));
            for (table, key, value) in held {
                prop_assert_eq!(disk.get(table, &key).expect("it can be read"), Some(value));
            }
        }
    }
}

/// Fills a store so that it has rows in files and rows in its journal.
fn filled(path: &Path) -> Rows {
    let folder = hold(path);
    let mut store = open(&folder);
    for batch in 0..30 {
        let row = |n: u32| change(TABLES[1], &format!("{batch:03}/{n:05}"), Some(&format!("{n:0100}")));
        let last = change(TABLES[0], "last", Some(&format!("{batch}")));
        let changes = (0..500).map(row).chain([last]).collect();
        store.commit(changes, &mark(batch.into())).expect("it can be written");
    }
    let held = rows(&store).expect("it can be read");
    assert_eq!(held.len(), 15_001);
    held
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).expect("a folder of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The bytes of a file up to the zeros at its end, and its length: journals are long and mostly empty.
fn used(file: &Path) -> (Vec<u8>, u64) {
    let length = std::fs::metadata(file).expect("a file").len();
    let mut bytes = Vec::new();
    let mut read = std::fs::File::open(file).expect("a file");
    let mut chunk = vec![0; 1 << 20];
    loop {
        let count = read.read(&mut chunk).expect("a file can be read");
        if count == 0 || chunk[..count].iter().all(|byte| *byte == 0) {
            break;
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    (bytes, length)
}

fn write(file: &Path, bytes: &[u8], length: u64) {
    std::fs::write(file, bytes).expect("a file of ours");
    let file = std::fs::File::options().write(true).open(file).expect("a file of ours");
    file.set_len(length).expect("a length can be set");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder of ours") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            let (bytes, length) = used(&entry);
            write(&target, &bytes, length);
        }
    }
}

/// What a store with damaged files may give: all rows of the commits up to its mark, beside them only rows of later ones
/// (they come again when the topics are read from the mark on); or nothing, after being set aside.
fn judge(path: &Path, whole: &Rows, what: &str) {
    let folder = hold(path);
    for attempt in 0..2 {
        let store = open(&folder);
        let Ok(held) = rows(&store) else {
            assert_eq!(attempt, 0, "{what}: damage that was found is not found again");
            continue;
        };
        let Some(mark) = store.mark() else {
            assert!(held.is_empty(), "{what}: {} rows without a mark", held.len());
            return;
        };
        let (last, held) = held.split_first().expect("a store with a mark has rows");
        let last: i64 = String::from_utf8_lossy(&last.2).parse().expect("a number");
        assert!(last >= mark.at.get(), "{what}: the mark {} is ahead of a row of {last}", mark.at.get());
        let of_commits = usize::try_from((mark.at.get() + 1) * 500).expect("few");
        let written = &whole[1..];
        assert!(held.get(..of_commits) == written.get(..of_commits), "{what}: rows of commits are missing");
        let later = held[of_commits..].iter().all(|row| written[of_commits..].binary_search(row).is_ok());
        assert!(later, "{what}: rows that nobody wrote");
        return;
    }
}

#[test]
fn whatever_happens_to_its_files_it_gives_what_was_written_or_nothing() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let original = dir.path().join("original");
    let whole = filled(&original);
    let mut cases = 0;
    for file in files(&original) {
        let name = file.strip_prefix(&original).expect("it is in there");
        let (bytes, length) = used(&file);
        for step in 0..12 {
            let copied = dir.path().join("copy");
            copy(&original, &copied);
            let target = copied.join(name);
            let place = bytes.len() * (step % 8) / 8;
            let mut damaged = bytes.clone();
            match step {
                0 => std::fs::remove_file(&target).expect("a file of ours"),
                3 | 6 => write(&target, &bytes[..place], place as u64),
                // Less than a header or a trailer is left.
                8..12 => {
                    let left = bytes.len().saturating_sub(1).min([0, 1, 10, 32][step - 8]);
                    write(&target, &bytes[..left], left as u64);
                }
                _ => {
                    damaged.get_mut(place).into_iter().for_each(|byte| *byte ^= 0x55);
                    write(&target, &damaged, length);
                }
            }
            judge(&copied, &whole, &format!("{} at {place} of {length}, step {step}", name.display()));
            std::fs::remove_dir_all(&copied).expect("a folder of ours");
            cases += 1;
        }
    }
    assert!(cases > 40, "{cases} cases are few");
}

#[test]
fn a_restore_that_was_not_finished_is_not_taken_for_state() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let folder = hold(dir.path());
    let mut store = open(&folder);
    let row = |n: u32| change(TABLES[0], &format!("{n}"), Some(&"v".repeat(1000)));
    store.apply((0..4000).map(row).collect()).expect("it can be written");
    drop(store);
    let mut store = open(&folder);
    assert_eq!((store.mark(), store.get(TABLES[0], b"7")), (None, Ok(None)));
    assert!(dir.path().join("stage/3.set-aside").is_dir());
    let under_way = Mark { coverage: None, ..mark(1) };
    store.commit(vec![row(1)], &under_way).expect("it can be written");
    drop(store);
    let mut store = open(&folder);
    assert_eq!((store.mark(), store.len(TABLES[0])), (Some(&under_way), 0));
    store.commit(vec![row(2)], &mark(2)).expect("it can be written");
    assert_eq!(store.len(TABLES[0]), 2, "counted once the restore is over");
}

/// A restore of several megabytes is written in sorted runs, one over the other.
#[test]
fn a_store_that_is_filled_run_by_run_holds_the_last_of_each_key() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let folder = hold(dir.path());
    let (mut disk, mut memory) = (open(&folder), MemoryStore::default());
    let fill = |disk: &mut DiskStore, memory: &mut MemoryStore, round: u32| {
        let row = |n: u32| {
            let value = (n % 7 != round).then(|| format!("{round}/{n:01000}"));
            change(TABLES[(n % 2) as usize], &format!("{:05}", n * round % 9000), value.as_deref())
        };
        for rows in (0..6000).map(row).collect::<Vec<_>>().chunks(100) {
            disk.apply(rows.to_vec()).expect("it can be written");
            memory.apply(rows.to_vec()).expect("memory takes all");
        }
        assert_eq!(rows(disk), rows(memory), "after round {round}");
    };
    for round in 1..4 {
        fill(&mut disk, &mut memory, round);
        let under_way = Mark { coverage: None, ..mark(round.into()) };
        disk.commit(vec![change(TABLES[2], "clock", Some("1"))], &under_way).expect("it can be written");
        memory.commit(vec![change(TABLES[2], "clock", Some("1"))], &under_way).expect("memory takes all");
        drop(disk);
        disk = open(&folder);
        assert_eq!(
            (disk.mark(), rows(&disk)),
            (Some(&under_way), rows(&memory)),
            "opened after round {round}"
        );
    }
    fill(&mut disk, &mut memory, 4);
    disk.commit(vec![change(TABLES[1], "last", Some("1"))], &mark(9)).expect("it can be written");
    memory.commit(vec![change(TABLES[1], "last", Some("1"))], &mark(9)).expect("memory takes all");
    for _ in 0..2 {
        assert_eq!((disk.mark(), rows(&disk)), (Some(&mark(9)), rows(&memory)));
        assert_eq!(TABLES.map(|table| disk.len(table)), TABLES.map(|table| memory.len(table)));
        drop(disk);
        disk = open(&folder);
    }
}

#[test]
fn what_is_reset_is_set_aside_and_begins_empty() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let folder = hold(dir.path());
    let mut store = open(&folder);
    for _ in 0..2 {
        store.commit(vec![change(TABLES[0], "k", Some("v"))], &mark(1)).expect("it can be written");
        store.reset("of another cluster").expect("it can be set aside");
        assert_eq!((store.mark(), store.get(TABLES[0], b"k"), store.len(TABLES[0])), (None, Ok(None), 0));
    }
    let aside = dir.path().join("stage/3.set-aside");
    assert!(aside.is_dir());
    drop((store, folder));
    hold(dir.path());
    assert!(!aside.exists(), "it may hold what was purged since");
}

#[cfg(unix)]
#[test]
fn a_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder can be made");
    let path = dir.path().join("made/for/this");
    hold(&path);
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_is_held_once_and_a_store_is_open_once() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let folder = hold(dir.path());
    let refused = Folder::hold(dir.path(), Memory { bytes: 1 << 20, stores: 1 }).expect_err("it is held");
    assert!(matches!(refused, FolderError::Held { .. }));
    let says = format!("is held by process {}", std::process::id());
    assert!(refused.to_string().contains(&says), "{refused}");
    let store = open(&folder);
    let busy = folder.open("stage", Partition::new(3)).expect_err("it is open");
    assert!(matches!(busy, StoreError::Busy(_)), "{busy}");
    drop(store);
    open(&folder);
    drop(folder);
    hold(dir.path());
}
