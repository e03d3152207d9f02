//! How far the work of a hall has come, and how it is brought to its end.

use std::time::{Duration, Instant};

use catalog::Topic;
use testkit::Signal;

use super::hall::Hall;
use super::stage::StageName;
use crate::trail::PARTITIONS;

impl Hall {
    /// How far the dead letters have come: the offsets of the last ones, all partitions together.
    #[must_use]
    pub fn dead_letters(&self) -> i64 {
        let last =
            |partition| self.site.kafka.last_offset(&Topic::DeadLetters.name(), partition).unwrap_or(-1);
        (0..PARTITIONS.cast_signed()).map(last).sum()
    }

    /// Waits until both stages have committed all there is.
    ///
    /// # Errors
    /// Which partition is not done after `limit`, or who ends again and again.
    pub fn await_caught_up(&mut self, limit: Duration) -> Result<(), String> {
        let began = Instant::now();
        let mut behind = "no coordinator answers".to_owned();
        while began.elapsed() < limit {
            self.look_after()?;
            // The stages one after the other: the aggregator's input ends where the normalizer's work does.
            let Some(now) = self.progress.now() else { continue };
            let mut left =
                StageName::ALL.iter().zip(&now.0).filter_map(|(stage, next)| self.behind(*stage, next));
            match left.next() {
                None => return Ok(()),
                Some(one) => behind = one,
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Err(format!("the stages did not catch up within {limit:?} after the input ended: {behind}"))
    }

    fn behind(&self, stage: StageName, next: &[i64]) -> Option<String> {
        let topic = stage.input().name();
        (0..).zip(next).find_map(|(partition, next)| {
            let last = self.site.kafka.last_offset(&topic, partition)?;
            (*next <= last)
                .then(|| format!("{stage} stands at {next} of partition {partition}, not beyond {last}"))
        })
    }

    /// Sends what is missing to `at_least` records, ends the input and waits until all of it is delivered; returns how many
    /// records that are.
    ///
    /// # Panics
    /// When they are not within `limit`.
    pub fn end_input(&mut self, at_least: u64, limit: Duration) -> u64 {
        self.input.finish(at_least, limit)
    }

    /// Ends every process as an operator does; one that does not end well is a problem.
    pub fn close(&mut self) {
        let mut running: Vec<_> =
            self.processes.iter_mut().filter_map(|one| one.is_running().then_some(one)).collect();
        running.iter_mut().for_each(|process| process.signal(Signal::Term));
        self.problems.extend(running.into_iter().filter_map(|process| process.await_end().err()));
    }
}
