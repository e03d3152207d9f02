//! Whether the trail moves: the committed offsets of both groups, partition by partition.

use std::time::{Duration, Instant};

use testkit::{Committed, TestKafka};

use super::stage::StageName;
use crate::trail::PARTITIONS;

/// How long a coordinator may take to answer, before it is asked again.
const ANSWER: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// Watches both groups.
pub struct Progress {
    groups: [Committed; 2],
}

/// The next offset of every partition of both stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets(pub [Vec<i64>; 2]);

impl Progress {
    /// Watches the groups of both stages.
    #[must_use]
    pub fn of(kafka: &TestKafka) -> Self {
        let partitions = i32::try_from(PARTITIONS).expect("few");
        Self {
            groups: StageName::ALL
                .map(|stage| kafka.committed(&stage.group(), &stage.input().name(), partitions)),
        }
    }

    /// Where both groups stand; None where no coordinator answers.
    #[must_use]
    pub fn now(&self) -> Option<Offsets> {
        let [normalizer, aggregator] = &self.groups;
        Some(Offsets([normalizer.offsets(ANSWER)?, aggregator.offsets(ANSWER)?]))
    }

    /// Waits until every partition of both groups has moved on from where it stands at the first answer; `look` is asked in
    /// between, and ends the waiting with an error of its own.
    ///
    /// # Errors
    /// What `look` says, or which partitions stand still after `limit`.
    pub fn await_all_moving(
        &self,
        limit: Duration,
        mut look: impl FnMut() -> Result<(), String>,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        let mut first = None;
        loop {
            look()?;
            let now = self.now();
            match (&first, &now) {
                (None, _) => first = now,
                (Some(first), Some(now)) if standing(first, now).is_empty() => return Ok(began.elapsed()),
                _ => {}
            }
            if began.elapsed() > limit {
                let standing = match (&first, &self.now()) {
                    (Some(first), Some(now)) => standing(first, now).join(", "),
                    _ => "no coordinator answers".into(),
                };
                return Err(format!(
                    "nothing was committed within {limit:?} after the fault ended: {standing}"
                ));
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Which partitions have not moved on.
fn standing(before: &Offsets, now: &Offsets) -> Vec<String> {
    let mut standing = Vec::new();
    for ((stage, before), now) in StageName::ALL.iter().zip(&before.0).zip(&now.0) {
        let pairs = before.iter().zip(now).enumerate();
        let still = pairs.filter(|(_, (before, now))| now <= before);
        standing.extend(still.map(|(partition, (_, now))| format!("{stage} {partition} stands at {now}")));
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_partition_that_stands_still_is_named() {
        let before = Offsets([vec![1, 2], vec![3, 4]]);
        assert_eq!(standing(&before, &Offsets([vec![2, 3], vec![4, 5]])), Vec::<String>::new());
        let now = Offsets([vec![2, 3], vec![4, 4]]);
        assert_eq!(standing(&before, &now), ["aggregator 1 stands at 4"]);
    }
}
