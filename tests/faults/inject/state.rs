//! What befalls the state on disk: writes that fail, and files damaged while their process is down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{aim_at, ask};
use crate::faults::evidence::{Act, Evidence};
use crate::faults::hall::Hall;
use crate::faults::schedule::Fault;
use crate::trail::Chance;

/// State is written after each commit of a process that holds partitions; one commits all few seconds.
const WRITES: Duration = Duration::from_secs(30);

/// Lasts until a write has failed, and then as long as the fault says.
pub(super) fn fail_writes(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let process = &hall.processes[victim];
    let (log, armed) = (process.log_of_this_life(), SystemTime::now());
    process.set_failpoints("state_write_fails\n");
    let failed = ask(WRITES, || log.read().first(&["state is not written"], armed));
    std::thread::sleep(fault.hold);
    process.set_failpoints("");
    let acts = Act::during(vec![log], failed.unwrap_or(armed), SystemTime::now());
    Ok(Evidence::seen(acts, failed.is_some()))
}

/// Shows when the process sets state aside, or begins anew from the topics with what it held.
pub(super) fn damage(hall: &mut Hall, fault: &Fault, victim: usize) -> Result<Evidence, String> {
    aim_at(hall, fault, victim);
    let held = hall.processes[victim].said().holds();
    let acts = super::kill(hall, victim);
    let process = &mut hall.processes[victim];
    let folder = process.state_folder();
    let damaged = damage_files(&folder, fault.choice);
    std::thread::sleep(fault.hold);
    process.start();
    let log = process.log_of_this_life();
    match damaged {
        Ok(0) => Err(format!("{} holds no files of state to damage", folder.display())),
        Ok(_) => Ok(Evidence::later(acts, move |_| {
            let log = log.read();
            let set_aside = log.first(&["state on disk is not used"], SystemTime::UNIX_EPOCH).is_some();
            set_aside || !log.rebuilt().is_disjoint(&held)
        })),
        Err(error) => Err(format!("the files in {} could not be damaged: {error}", folder.display())),
    }
}

/// Damages every third file or so, at least one: some bytes turned over, or the end cut off. Returns how many.
fn damage_files(folder: &Path, choice: usize) -> io::Result<usize> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut chance = Chance::of(u64::try_from(choice).expect("small"));
    let mut damaged = 0;
    for (place, file) in files.iter().enumerate() {
        let mut bytes = fs::read(file)?;
        if bytes.is_empty() || (chance.between(0, 3) != 0 && place + 1 < files.len()) {
            continue;
        }
        if chance.between(0, 2) == 0 {
            bytes.truncate(chance.between(0, bytes.len()));
        } else {
            for _ in 0..8 {
                let at = chance.between(0, bytes.len());
                bytes[at] ^= 0xff;
            }
        }
        fs::write(file, bytes)?;
        damaged += 1;
    }
    Ok(damaged)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_damaged_and_the_same_choice_damages_the_same() {
        let damage = |choice| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("0")).unwrap();
            for number in 0..9 {
                fs::write(folder.path().join(format!("0/{number}")), vec![7; 100]).unwrap();
            }
            let count = damage_files(folder.path(), choice).unwrap();
            let changed = (0..9).filter(|number| {
                fs::read(folder.path().join(format!("0/{number}"))).unwrap() != vec![7; 100]
            });
            (count, changed.collect::<Vec<u32>>())
        };
        for choice in 0..20 {
            let (count, changed) = damage(choice);
            assert!(count > 0 && count == changed.len(), "{count} {changed:?}");
            assert_eq!(damage(choice), (count, changed));
        }
    }

    #[test]
    fn an_empty_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(damage_files(folder.path(), 1).unwrap(), 0);
        assert!(damage_files(&folder.path().join("none"), 1).is_err());
    }
}
