//! What a red run looks like: the signs by which a mutation shows.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::faults::Done;

/// A sign.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Outputs that must be there and are not.
    Lost,
    /// Outputs that are there more than once.
    Doubled,
    /// Outputs that are not in their tenant's order.
    OutOfOrder,
    /// Outputs, or report rows, that say something else.
    Differing,
    /// A process refused to start where group offset and coverage, or outputs and coverage, contradict each other.
    Refused,
    /// A process ended by itself for another reason.
    Ended,
    /// Recovery took longer than its bound.
    Slow,
    /// Nothing went on at all.
    Stuck,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::OutOfOrder => "out of order",
            Self::Differing => "differing",
            Self::Refused => "start refused",
            Self::Ended => "process ended",
            Self::Slow => "recovery over its bound",
            Self::Stuck => "stuck",
        })
    }
}

/// Every sign of a run and how often it was seen; `bound` is that of recovery.
#[must_use]
pub fn signs(done: &Done, bound: Duration) -> BTreeMap<Sign, u64> {
    let mut signs = BTreeMap::new();
    let mut add = |sign, count: u64| *signs.entry(sign).or_default() += count;
    if let Some(verdict) = &done.verdict {
        add(Sign::Lost, verdict.lost);
        add(Sign::Doubled, verdict.doubled);
        add(Sign::OutOfOrder, verdict.out_of_order);
        add(Sign::Differing, verdict.differing);
    }
    for problem in &done.problems {
        if let Some(sign) = told(problem) {
            add(sign, 1);
        }
    }
    let slow = done.faults.iter().filter(|fault| fault.recovery.is_some_and(|took| took > bound)).count();
    add(Sign::Slow, slow.try_into().unwrap_or(u64::MAX));
    signs.retain(|_, count| *count > 0);
    signs
}

/// What a problem, as the campaign words it, is a sign of.
fn told(problem: &str) -> Option<Sign> {
    if problem.contains("ended by itself") {
        let refused = problem.contains("cannot start in");
        return Some(if refused { Sign::Refused } else { Sign::Ended });
    }
    let stuck = ["nothing was committed within", "did not catch up within"];
    stuck.iter().any(|words| problem.contains(words)).then_some(Sign::Stuck)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Verdict;

    #[test]
    fn a_green_run_has_no_sign() {
        let done = Done { verdict: Some(Verdict::default()), ..Done::default() };
        assert_eq!(signs(&done, Duration::from_secs(30)), BTreeMap::new());
    }

    #[test]
    fn what_the_judge_and_the_campaign_say_is_counted() {
        let problems = [
            "normalizer-one ended by itself with exit status: 1: normalizer cannot start in lms.actions.v1 partition 0",
            "aggregator-two ended by itself with signal: 6",
            "the stages did not catch up within 300s after the input ended: normalizer stands at 3",
            "fault 3, sigkill: no input flowed",
        ];
        let done = Done {
            verdict: Some(Verdict { doubled: 3, ..Verdict::default() }),
            problems: problems.map(str::to_owned).into(),
            ..Done::default()
        };
        let expected = [(Sign::Doubled, 3), (Sign::Refused, 1), (Sign::Ended, 1), (Sign::Stuck, 1)];
        assert_eq!(signs(&done, Duration::from_secs(30)), expected.into());
    }
}
