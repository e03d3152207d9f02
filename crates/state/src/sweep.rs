//! What a folder need not keep: state that lies set aside, and stores of partitions that went elsewhere. Both may hold
//! rows that a purge removed since, and nobody would ever open them to learn of it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::folder::SET_ASIDE;

/// A store that was not written for so long would be set aside when it is opened.
const FORGOTTEN: Duration = Duration::from_secs(14 * 24 * 3600);

/// Removes them, each with a line in the log; what cannot be removed is told and left.
pub(crate) fn sweep(folder: &Path, now: SystemTime) {
    for store in stores(folder) {
        if is_aside(&store) {
            remove(&store, "it was set aside before this start");
        } else if last_written(&store).is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > FORGOTTEN))
        {
            remove(&store, "it was not written for 14 days: its partition is elsewhere");
        }
    }
}

/// Removes what lies set aside, as there is no room for what is needed.
pub(crate) fn make_room(folder: &Path) {
    stores(folder).iter().filter(|store| is_aside(store)).for_each(|store| remove(store, "the disk is full"));
}

fn is_aside(store: &Path) -> bool {
    store.extension().is_some_and(|extension| extension == SET_ASIDE)
}

fn remove(store: &Path, why: &str) {
    match std::fs::remove_dir_all(store) {
        Ok(()) => tracing::info!(state = %store.display(), why, "state on disk was removed"),
        Err(error) => {
            tracing::warn!(state = %store.display(), %error, "state on disk cannot be removed: remove it");
        }
    }
}

fn stores(folder: &Path) -> Vec<PathBuf> {
    let stages = below(folder).into_iter().filter(|stage| stage.is_dir());
    stages.flat_map(|stage| below(&stage)).filter(|store| store.is_dir()).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(error) => {
            tracing::warn!(state = %folder.display(), %error, "it cannot be looked for state to be removed");
            Vec::new()
        }
    }
}

/// When the last of its files was written; a folder's own time tells of files that came and went.
fn last_written(path: &Path) -> io::Result<SystemTime> {
    let metadata = std::fs::symlink_metadata(path)?;
    let mut last = metadata.modified()?;
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            last = last.max(last_written(&entry?.path())?);
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_will_open_is_removed() {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let place = |name: &str| dir.path().join("aggregator").join(name);
        for name in ["0", "1", "1.set-aside"] {
            std::fs::create_dir_all(place(name).join("keyspaces")).expect("it can be made");
            std::fs::write(place(name).join("keyspaces/rows"), name).expect("it can be written");
        }
        std::fs::write(dir.path().join("lock"), "").expect("it can be written");
        let now = SystemTime::now();
        let there = || ["0", "1", "1.set-aside"].map(|name| place(name).exists());
        sweep(dir.path(), now + FORGOTTEN - Duration::from_secs(60));
        assert_eq!(there(), [true, true, false]);
        let file =
            std::fs::File::options().append(true).open(place("1/keyspaces/rows")).expect("it is there");
        file.set_modified(now + Duration::from_secs(3600)).expect("its time can be set");
        sweep(dir.path(), now + FORGOTTEN + Duration::from_secs(60));
        assert_eq!(there(), [false, true, false]);
        assert!(dir.path().join("lock").exists());
    }

    #[test]
    fn room_is_made_of_what_lies_set_aside_alone() {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let place = |name: &str| dir.path().join("aggregator").join(name);
        for name in ["0", "0.set-aside", "1.set-aside"] {
            std::fs::create_dir_all(place(name)).expect("it can be made");
        }
        make_room(dir.path());
        assert_eq!(
            ["0", "0.set-aside", "1.set-aside"].map(|name| place(name).exists()),
            [true, false, false]
        );
    }
}
