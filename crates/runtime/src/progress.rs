//! How far a restore is: the same figures for the log and for metrics.

use std::time::Instant;

/// Counts what a restore has read and what it has still to read.
pub(crate) struct Progress {
    began: Instant,
    /// When it turned to the topics that it reads now, and how many offsets those had for it.
    part: Option<(Instant, u64)>,
    /// Records taken so far, of all topics.
    pub(crate) records: u64,
}

/// How far a restore is in the topics that it reads now: the ledger first, then all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Far {
    /// Offsets read, of so many in all.
    read: u64,
    total: u64,
    /// Since it turned to these topics.
    seconds: f64,
}

impl Progress {
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, part: None, records: 0 }
    }

    /// It turns to topics with so many offsets to read.
    pub(crate) fn turn(&mut self, total: u64, now: Instant) {
        self.part = Some((now, total));
    }

    /// Seconds since the restore began.
    pub(crate) fn seconds(&self, now: Instant) -> f64 {
        now.duration_since(self.began).as_secs_f64()
    }

    /// How far it is, with so many offsets left; none before it has turned to any topic.
    pub(crate) fn far(&self, left: u64, now: Instant) -> Option<Far> {
        let (since, total) = self.part?;
        Some(Far {
            read: total.saturating_sub(left),
            total,
            seconds: now.duration_since(since).as_secs_f64(),
        })
    }
}

impl Far {
    /// 100 when nothing is left.
    pub(crate) fn percent(self) -> u64 {
        (self.read * 100).checked_div(self.total).unwrap_or(100)
    }

    /// From 0 to 1.
    pub(crate) fn ratio(self) -> f64 {
        if self.total == 0 { 1.0 } else { self.read as f64 / self.total as f64 }
    }

    /// Seconds until nothing is left, at the pace so far; unknown while nothing was read.
    pub(crate) fn seconds_left(self) -> Option<f64> {
        match self.total - self.read {
            0 => Some(0.0),
            _ if self.read == 0 => None,
            left => Some((self.seconds * left as f64 / self.read as f64).round()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_share_and_the_time_left_are_of_the_topics_that_are_read_now() {
        let began = Instant::now();
        let mut progress = Progress::new(began);
        assert_eq!(progress.far(0, began), None, "it has not turned to any topic");
        let turned = began + Duration::from_secs(1000);
        progress.turn(400, turned);
        for (seconds, left, percent, ratio, seconds_left) in [
            (0, 400, 0, 0.0, None),
            (7, 400, 0, 0.0, None),
            (10, 300, 25, 0.25, Some(30.0)),
            (10, 1, 99, 0.9975, Some(0.0)),
            (20, 0, 100, 1.0, Some(0.0)),
        ] {
            let now = turned + Duration::from_secs(seconds);
            let far = progress.far(left, now).expect("it has turned to topics");
            let found = (far.percent(), far.ratio(), far.seconds_left());
            assert_eq!(found, (percent, ratio, seconds_left), "{seconds} s, {left} left");
        }
        progress.turn(0, turned);
        let far = progress.far(0, turned).expect("it has turned to topics");
        assert_eq!((far.percent(), far.ratio(), far.seconds_left()), (100, 1.0, Some(0.0)));
    }
}
