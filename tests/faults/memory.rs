//! The memory of every process of a run, sampled while they live: the most that each ever had in memory at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);

/// Who has had how much; a handle, so that every process can announce itself.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    book: Mutex<Book>,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct Book {
    living: BTreeMap<u32, String>,
    highest: BTreeMap<String, u64>,
}

/// Samples until it is dropped.
#[derive(Debug)]
pub struct Sampling {
    memory: Memory,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Memory {
    /// Samples from now on.
    #[must_use]
    pub fn sample(&self) -> Sampling {
        let memory = self.clone();
        let thread = std::thread::spawn(move || {
            while !memory.0.stop.load(Ordering::Relaxed) {
                memory.look();
                std::thread::sleep(EVERY);
            }
        });
        Sampling { memory: self.clone(), thread: Some(thread) }
    }

    /// The most that each process had in memory, in KiB, by its name.
    #[must_use]
    pub fn highest(&self) -> BTreeMap<String, u64> {
        self.book().highest.clone()
    }

    pub(super) fn watch(&self, name: &str, process: u32) {
        self.book().living.insert(process, name.to_owned());
    }

    pub(super) fn forget(&self, process: u32) {
        self.book().living.remove(&process);
    }

    fn look(&self) {
        let mut book = self.book();
        let Book { living, highest } = &mut *book;
        for (process, name) in living {
            // One that ends just now has no status; its last sample stands.
            let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { continue };
            let Some(kib) = resident(&status) else { continue };
            let entry = highest.entry(name.clone()).or_default();
            *entry = kib.max(*entry);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        self.memory.0.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("sampling does not panic");
        }
    }
}

/// The most memory that a process had so far, in KiB, from `/proc/<pid>/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read() {
        let status = "Name:\tlms-audit\nVmPeak:\t  900000 kB\nVmHWM:\t   51200 kB\nVmRSS:\t   40000 kB\n";
        assert_eq!(resident(status), Some(51_200));
        assert_eq!(resident("Name:\tzombie\n"), None);
    }

    #[test]
    fn a_living_process_is_sampled() {
        let memory = Memory::default();
        memory.watch("me", std::process::id());
        memory.look();
        assert!(memory.highest()["me"] > 100, "{memory:?}");
    }
}
