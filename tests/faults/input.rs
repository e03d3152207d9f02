//! Input that never ends while faults are injected: generated actions at a steady rate from a thread of its own, and floods of
//! what cannot be recorded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use testkit::{Raw, Sender, TestKafka};

use crate::trail::{action, actions_topic, generated, raw};

/// Actions of one generator; the next one goes on with another seed.
const CHUNK: u64 = 20_000;
/// How often it is looked what is due.
const TICK: Duration = Duration::from_millis(5);
/// Until `finish` says how many.
const ENDLESS: u64 = u64::MAX;

/// Running input.
pub struct Input {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    sender: Sender,
    /// Records a second.
    rate: u64,
    sent: AtomicU64,
    /// How many to send in all.
    enough: AtomicU64,
    /// How many were sent by when, since the start.
    history: Mutex<Vec<(SystemTime, u64)>>,
}

impl Input {
    /// Starts: by the chance of this seed, so many records a second.
    #[must_use]
    pub fn start(kafka: &TestKafka, seed: u64, rate: u64) -> Self {
        let shared = Shared {
            sender: kafka.sender(),
            rate,
            sent: AtomicU64::new(0),
            enough: AtomicU64::new(ENDLESS),
            history: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let working = Arc::clone(&shared);
        let thread = Some(std::thread::spawn(move || working.flow(seed)));
        Self { shared, thread }
    }

    /// How many records were delivered.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.shared.sender.delivered()
    }

    /// How many records were handed over to be sent after one instant and until another; while brokers are away, they wait.
    #[must_use]
    pub fn sent_between(&self, from: SystemTime, until: SystemTime) -> u64 {
        let history = self.shared.history.lock().expect("no holder of this lock panics");
        between(&history, from, until)
    }

    /// Sends so many records that cannot be recorded, at once, between the others.
    pub fn flood(&self, count: usize, seed: u64) {
        for number in 0..count {
            self.shared.sender.send(&poison(seed, number));
        }
    }

    /// Sends what is missing to `at_least` records, no longer at a steady rate, and waits until all are delivered. Returns how
    /// many that are, floods counted.
    ///
    /// # Panics
    /// When they are not within `limit`.
    pub fn finish(&mut self, at_least: u64, limit: Duration) -> u64 {
        self.shared.enough.store(at_least, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("input is generated and sent without a panic");
        }
        self.shared.sender.finish(limit);
        self.delivered()
    }
}

/// A run that fails half-way does not wait for the rest of its input.
impl Drop for Input {
    fn drop(&mut self) {
        self.shared.enough.store(0, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, is told where the thread is waited for.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn flow(&self, seed: u64) {
        let began = Instant::now();
        let mut actions = (seed.wrapping_mul(1000)..).flat_map(|seed| generated(CHUNK, seed)).map(raw);
        loop {
            let enough = self.enough.load(Ordering::Relaxed);
            let millis = u64::try_from(began.elapsed().as_millis()).expect("a run is short");
            let due = if enough == ENDLESS { self.rate * millis / 1000 } else { enough };
            let mut sent = self.sent.load(Ordering::Relaxed);
            if sent >= enough {
                return;
            }
            let before = sent;
            while sent < due && sent < self.enough.load(Ordering::Relaxed) {
                self.sender.send(&actions.next().expect("there is always another generator"));
                sent += 1;
            }
            self.sent.store(sent, Ordering::Relaxed);
            if sent > before {
                self.history.lock().expect("no holder of this lock panics").push((SystemTime::now(), sent));
            }
            std::thread::sleep(TICK);
        }
    }
}

fn between(history: &[(SystemTime, u64)], from: SystemTime, until: SystemTime) -> u64 {
    let sent_by = |instant| match history.partition_point(|(at, _)| *at <= instant) {
        0 => 0,
        count => history[count - 1].1,
    };
    sent_by(until) - sent_by(from)
}

/// Records that are wrong in different ways, among them some whose tenant is known and some that are no JSON at all.
fn poison(seed: u64, number: usize) -> Raw {
    let tenant = format!("flooded-{}", number % 3);
    let id = format!("poison-{seed}-{number}");
    let value = match number % 5 {
        0 => b"{\"id\":\"cut short".to_vec(),
        1 => action(&tenant, &id, serde_json::json!({"action": "nobody.knows"})),
        2 => action(&tenant, &id, serde_json::json!({"actor": null})),
        3 => action(&tenant, &id, serde_json::json!({"occurred_at": "yesterday"})),
        _ => vec![0xff, 0xfe, 0x00, 0x01],
    };
    Raw::to(&actions_topic()).key(tenant).value(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_within_counts() {
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let history = [(at(1), 10), (at(2), 25), (at(5), 70)];
        let counted = |from, until| between(&history, at(from), at(until));
        assert_eq!([counted(0, 1), counted(1, 2), counted(2, 4), counted(3, 9)], [10, 15, 0, 45]);
    }
}
