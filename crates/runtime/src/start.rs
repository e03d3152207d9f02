//! Where a stage starts in a partition: at coverage, or it does not start.
//!
//! Kafka forgets the offsets of a group that stays empty; a stage that then began anew would count
//! everything twice. So the ledger's coverage decides, and whatever contradicts it stops the
//! partition with a message that names both sides.

use stage::{Coverage, Offset};

use crate::port::Extent;

/// What was found before the start.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// What the restored ledger says.
    pub coverage: Option<&'a Coverage>,
    /// What the group committed.
    pub committed: Option<Offset>,
    /// What the input partition holds.
    pub extent: Extent,
    /// The cluster's id.
    pub cluster_id: &'a str,
    /// The input topic's id.
    pub topic_id: &'a str,
    /// An output topic that holds a committed record in this partition; asked only where coverage
    /// is missing.
    pub written: Option<&'a str>,
}

/// Where to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The first offset to process.
    pub next: Offset,
    /// Offsets that expired before they were read, to be accounted for: `from..until`.
    pub expired: Option<(Offset, Offset)>,
}

/// Decides where to start.
///
/// # Errors
/// A message that names what contradicts what, and what to do.
pub fn decide(found: &Found<'_>) -> Result<Start, String> {
    let Some(coverage) = found.coverage else { return first_run(found) };
    if coverage.cluster_id != found.cluster_id {
        return Err(format!(
            "coverage speaks of cluster {}, this is cluster {}: the outputs belong to another trail; check the bootstrap servers",
            coverage.cluster_id, found.cluster_id
        ));
    }
    if coverage.topic_id != found.topic_id {
        return Err(format!(
            "coverage speaks of the input topic with id {}, this one has id {}: the input topic was made anew; its offsets mean other records, so make the output topics anew, too, or restore the old topic",
            coverage.topic_id, found.topic_id
        ));
    }
    if let Some(committed) = found.committed.filter(|committed| *committed != coverage.next) {
        return Err(format!(
            "the group committed offset {committed}, coverage says {}: something else commits for this group, or its offsets were reset; stop every process of the stage, wait until their session timeout is over (30 s), then reset this offset of the group to exactly {0}, or delete the group's offsets to go on from coverage, as deploy/reconcile.md says; at any other offset the stage does not start",
            coverage.next
        ));
    }
    if coverage.next > found.extent.end {
        return Err(format!(
            "coverage says {}, but the input ends at {}: the input lost records that were processed; restore it before going on",
            coverage.next, found.extent.end
        ));
    }
    let next = coverage.next.max(found.extent.start);
    let expired = (coverage.next < next).then_some((coverage.next, next));
    Ok(Start { next, expired })
}

fn first_run(found: &Found<'_>) -> Result<Start, String> {
    if let Some(committed) = found.committed {
        return Err(format!(
            "the group committed offset {committed}, but the ledger holds no coverage: the ledger topic lost records; restore it, or make all output topics anew and delete the group's offsets"
        ));
    }
    if let Some(topic) = found.written {
        return Err(format!(
            "{topic} holds committed records, but the ledger holds no coverage: starting from the beginning would count everything twice; restore the ledger topic, or make all output topics anew"
        ));
    }
    Ok(Start { next: found.extent.start, expired: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(next: i64) -> Coverage {
        Coverage {
            next: Offset::new(next),
            last_read: None,
            cluster_id: "c".into(),
            topic_id: "t".into(),
            expired: 0,
        }
    }

    fn found<'a>(coverage: Option<&'a Coverage>, committed: Option<i64>) -> Found<'a> {
        let extent = Extent { start: Offset::new(10), stable: Offset::new(20), end: Offset::new(20) };
        let committed = committed.map(Offset::new);
        Found { coverage, committed, extent, cluster_id: "c", topic_id: "t", written: None }
    }

    fn at(next: i64, expired: Option<(i64, i64)>) -> Start {
        let expired = expired.map(|(from, until)| (Offset::new(from), Offset::new(until)));
        Start { next: Offset::new(next), expired }
    }

    #[test]
    fn coverage_decides() {
        for (covered, committed, expected) in [
            (Some(15), Some(15), at(15, None)),
            (Some(15), None, at(15, None)),
            (Some(20), None, at(20, None)),
            (Some(7), Some(7), at(10, Some((7, 10)))),
            (None, None, at(10, None)),
        ] {
            let coverage = covered.map(coverage);
            assert_eq!(
                decide(&found(coverage.as_ref(), committed)),
                Ok(expected),
                "{covered:?} {committed:?}"
            );
        }
    }

    #[test]
    fn what_contradicts_coverage_stops_and_names_both() {
        let at_15 = coverage(15);
        let at_21 = coverage(21);
        let elsewhere = Coverage { cluster_id: "x".into(), ..coverage(15) };
        let anew = Coverage { topic_id: "y".into(), ..coverage(15) };
        let written = Found { written: Some("events"), ..found(None, None) };
        for (found, says) in [
            (found(Some(&at_15), Some(16)), "committed offset 16, coverage says 15"),
            (found(Some(&at_15), Some(0)), "reset this offset of the group to exactly 15, or delete"),
            (found(Some(&at_21), Some(21)), "coverage says 21, but the input ends at 20"),
            (found(Some(&elsewhere), Some(15)), "coverage speaks of cluster x, this is cluster c"),
            (found(Some(&anew), Some(15)), "with id y, this one has id t"),
            (found(None, Some(3)), "committed offset 3, but the ledger holds no coverage"),
            (written, "events holds committed records, but the ledger holds no coverage"),
        ] {
            let message = decide(&found).expect_err(says);
            assert!(message.contains(says), "{message}");
        }
    }
}
