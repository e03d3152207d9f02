//! A flood of dead letters: so many actions that nobody knows that their source, or this version, must
//! be wrong. Where it is asked for, the stage stops there, before a person has to work them all off.

use std::collections::VecDeque;

use catalog::Reason;
use stage::{Offset, Outcome, Partition, Record};

/// So many of the last records are looked at.
const OF: u64 = 1_000;
/// More than so many unknown ones among them are a flood: 5 %.
const AT_MOST: usize = 50;
/// What a newer catalog or a registered schema would mend. Other reasons are one client's own, and
/// one bad client must not stop all tenants.
const UNKNOWN: [Reason; 2] = [Reason::UnknownAction, Reason::UnknownSchema];

/// That a flood of dead letters stops the stage, and which ones do not count because a person
/// accepted them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloodLimit {
    /// In these partitions of the actions topic, dead letters of actions before this offset.
    pub accepted: Vec<(Partition, Offset)>,
}

/// Watches one partition for a flood. What it has seen belongs to the open transaction until that is
/// committed, as all state does; a stage that starts anew has seen nothing.
#[derive(Debug)]
pub(crate) struct Flood {
    limit: Option<FloodLimit>,
    committed: Seen,
    seen: Seen,
}

/// The records that were read, and which of the last ones were unknown, by their number.
#[derive(Clone, Debug, Default)]
struct Seen {
    read: u64,
    unknown: VecDeque<u64>,
}

impl Flood {
    pub(crate) fn new(limit: Option<FloodLimit>) -> Self {
        Self { limit, committed: Seen::default(), seen: Seen::default() }
    }

    /// Takes note of what became of a record.
    ///
    /// # Errors
    /// What to tell people, where this one makes it a flood.
    pub(crate) fn observe(&mut self, record: &Record<'_>, outcome: Outcome) -> Result<(), String> {
        let Some(limit) = &self.limit else { return Ok(()) };
        let Seen { read, unknown } = &mut self.seen;
        *read += 1;
        while unknown.front().is_some_and(|number| number + OF <= *read) {
            unknown.pop_front();
        }
        let Some(reason) = unknown_by(outcome) else { return Ok(()) };
        let (partition, offset) = (record.partition, record.offset);
        if limit.accepted.iter().any(|(of, until)| *of == partition && offset < *until) {
            return Ok(());
        }
        unknown.push_back(*read);
        if unknown.len() <= AT_MOST {
            return Ok(());
        }
        Err(format!(
            "{} of the last {} actions are unknown, this one by {reason}: nothing since the last commit is kept; register the schema, or run a version whose catalog knows the action, or accept these as dead letters with `lms-audit run --accept-dead-letters {partition}:{}` (a greater offset accepts more of what comes)",
            unknown.len(),
            OF.min(*read),
            offset.next()
        ))
    }

    pub(crate) fn commit(&mut self) {
        self.committed.clone_from(&self.seen);
    }

    pub(crate) fn rollback(&mut self) {
        self.seen.clone_from(&self.committed);
    }
}

fn unknown_by(outcome: Outcome) -> Option<&'static str> {
    let Outcome::Reject(reason) = outcome else { return None };
    UNKNOWN.iter().map(|unknown| unknown.name()).find(|name| *name == reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::Millis;

    const BAD: Outcome = Outcome::Reject("unknown_action");
    const GOOD: Outcome = Outcome::Skip("duplicate");

    fn record(offset: i64) -> Record<'static> {
        Record {
            partition: Partition::new(2),
            offset: Offset::new(offset),
            timestamp: Millis::new(0),
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    fn flood(accepted: &[(u32, i64)]) -> Flood {
        let accepted = accepted.iter().map(|(p, o)| (Partition::new(*p), Offset::new(*o))).collect();
        Flood::new(Some(FloodLimit { accepted }))
    }

    /// The offset at which this series, `n` times each, is a flood.
    fn stops(flood: &mut Flood, series: &[(i64, Outcome)]) -> Option<i64> {
        let all = series.iter().flat_map(|(n, outcome)| (0..*n).map(|_| *outcome));
        let mut all = (0..).zip(all);
        all.find_map(|(offset, outcome)| flood.observe(&record(offset), outcome).is_err().then_some(offset))
    }

    #[test]
    fn more_than_fifty_of_a_thousand_are_a_flood() {
        let schema = Outcome::Reject("unknown_schema");
        let malformed = Outcome::Reject("malformed");
        for (series, expected) in [
            (&[(50, BAD)][..], None),
            (&[(51, BAD)], Some(50)),
            (&[(949, GOOD), (51, BAD)], Some(999)),
            (&[(1, BAD), (949, GOOD), (50, BAD)], Some(999)),
            (&[(1, BAD), (950, GOOD), (50, BAD)], None),
            (&[(1, BAD), (950, GOOD), (51, BAD)], Some(1001)),
            (&[(25, BAD), (1000, malformed), (50, schema)], None),
            (&[(25, BAD), (100, malformed), (26, schema)], Some(150)),
        ] {
            assert_eq!(stops(&mut flood(&[]), series), expected, "{series:?}");
            assert_eq!(stops(&mut Flood::new(None), series), None, "nobody asked for it");
        }
    }

    #[test]
    fn what_was_accepted_does_not_count() {
        let series = [(100, BAD)];
        assert_eq!(stops(&mut flood(&[(2, 30)]), &series), Some(80));
        assert_eq!(stops(&mut flood(&[(2, 100)]), &series), None);
        assert_eq!(stops(&mut flood(&[(1, 100)]), &series), Some(50), "of another partition");
        let said =
            (0..=50).map(|offset| (offset, BAD)).fold((flood(&[]), Ok(())), |(mut flood, _), (at, o)| {
                let said = flood.observe(&record(at), o);
                (flood, said)
            });
        let said = said.1.expect_err("a flood");
        assert!(
            said.contains("51 of the last 51 actions") && said.contains("--accept-dead-letters 2:51"),
            "{said}"
        );
    }

    #[test]
    fn what_was_not_committed_is_forgotten() {
        let mut flood = flood(&[]);
        assert_eq!(stops(&mut flood, &[(40, BAD)]), None);
        flood.commit();
        assert_eq!(stops(&mut flood, &[(10, BAD)]), None);
        flood.rollback();
        assert_eq!(stops(&mut flood, &[(10, BAD)]), None);
        flood.commit();
        assert_eq!(stops(&mut flood, &[(1, BAD)]), Some(0));
    }
}
