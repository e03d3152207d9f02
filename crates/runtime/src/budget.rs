//! How often a worker may be rebuilt before a person is asked, and how long to wait in between.

use std::time::{Duration, Instant};

use crate::error::Cause;

const WINDOW: Duration = Duration::from_secs(60);
const REBUILDS: usize = 10;
/// Two processes of one name fence each other every few seconds; a coordinator that dies or moves fences a member once or twice,
/// as one that expired and joins again is told so by librdkafka.
const FENCES: usize = 5;
/// The session timeout, which is shorter than that of transactions.
const SILENT: Duration = Duration::from_secs(30);
/// What a crash loop asks of a person.
const CRASH_LOOP: &str = "rebuilding does not help; mend what this names, as deploy/crash-loop.md says, and start again: nothing is lost meanwhile";
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Counts failures. Those of transport and of the disk are waited out for as long as they last and never count.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    rebuilds: Vec<Instant>,
    fences: Vec<Instant>,
    in_a_row: u32,
    alive: Option<Instant>,
}

impl Budget {
    /// A transaction was committed: the next failure is the first in a row again.
    pub(crate) fn succeeded(&mut self, now: Instant) {
        self.in_a_row = 0;
        self.alive = Some(now);
    }

    /// Every connection was made anew.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.alive = Some(now);
    }

    /// How long to wait before the next try.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = Duration::from_millis(100).saturating_mul(1 << self.in_a_row.min(6));
        self.in_a_row += 1;
        wait.min(LONGEST_WAIT)
    }

    /// Counts a rebuild.
    ///
    /// # Errors
    /// What to tell the person who must act now.
    pub(crate) fn rebuild(&mut self, cause: Cause, now: Instant) -> Result<(), String> {
        // Who was silent for so long was expelled or timed out by the brokers, which looks the same as
        // being replaced by somebody else.
        let silent = self.alive.is_none_or(|alive| now.duration_since(alive) >= SILENT);
        let (counted, most, advice) = match cause {
            Cause::Transport | Cause::Storage => return Ok(()),
            Cause::Fenced if silent => return Ok(()),
            Cause::Fenced => (
                &mut self.fences,
                FENCES,
                "another process runs with the same instance name: give each its own with --instance",
            ),
            Cause::NoTopic | Cause::Other => (&mut self.rebuilds, REBUILDS, CRASH_LOOP),
        };
        counted.retain(|at| now.duration_since(*at) < WINDOW);
        counted.push(now);
        if counted.len() >= most {
            return Err(format!("{} times within {} s: {advice}", counted.len(), WINDOW.as_secs()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_never_counts_fencing_five_times_and_anything_else_ten_times_does() {
        let now = Instant::now();
        for (cause, endured) in
            [(Cause::Transport, 100), (Cause::Storage, 100), (Cause::Fenced, 4), (Cause::Other, 9)]
        {
            let mut budget = Budget::default();
            budget.connected(now);
            let count = (0..100).take_while(|_| budget.rebuild(cause, now).is_ok()).count();
            assert_eq!(count, endured, "{cause:?}");
            let later = now + WINDOW;
            budget.connected(later);
            assert!(budget.rebuild(cause, later).is_ok(), "{cause:?}: the window moves on");
        }
    }

    #[test]
    fn being_fenced_after_a_long_silence_is_nobodys_doing() {
        let now = Instant::now();
        let mut budget = Budget::default();
        budget.succeeded(now);
        for _ in 0..FENCES * 2 {
            assert!(budget.rebuild(Cause::Fenced, now + SILENT).is_ok());
        }
    }

    #[test]
    fn waits_grow_to_a_limit_and_start_anew_after_a_success() {
        let mut budget = Budget::default();
        let waits: Vec<_> = (0..8).map(|_| budget.wait().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        budget.succeeded(Instant::now());
        assert_eq!(budget.wait().as_millis(), 100);
    }
}
