//! How long a windowed row counts, by `received_at` alone: no clock is asked.
//!
//! The events topic keeps 400 days and the windowed report topics 430. So that a row never depends
//! on whether Kafka has deleted its record yet, both limits are rules here, with a month between
//! them for a stage that lags.

use catalog::Micros;

const DAY: i64 = 24 * 3_600_000_000;
/// An event this much later than its row starts the row anew: Kafka may delete the row soon, and
/// a row begun after that could not know of it.
const RESTART_AFTER: i64 = 400 * DAY;
/// Retention of the windowed report topics.
const CLEARED_AFTER: i64 = 430 * DAY;

/// What a windowed row is to an event that falls into its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The event is added to it.
    Current,
    /// The event starts it anew; the row says so for as long as it lives.
    Outlived,
    /// The row is no more, whether it still lies in the state or not.
    Cleared,
}

/// What a row is to an event received at `event`, where `latest` is the latest `received_at` seen
/// in the partition, that of the event included.
///
/// `latest` is the trail's own clock: each event marks an activity row with its `received_at`, so
/// a restore finds it again as the greatest timestamp of the rows, and a replay goes through the
/// same values in the same order. A row further than 430 days behind it is cleared by this rule
/// and not by when its bytes are dropped, and an event for its window makes a row that is not
/// marked `restarted`: from a topic that has lost the earlier row nobody could tell.
pub(crate) fn standing(row: Micros, event: Micros, latest: Micros) -> Standing {
    if is_cleared(row, latest) {
        Standing::Cleared
    } else if event.get().saturating_sub(row.get()) > RESTART_AFTER {
        Standing::Outlived
    } else {
        Standing::Current
    }
}

/// Whether a windowed row with this `received_at` is no more, `latest` being the latest
/// `received_at` seen in its partition: it can be dropped from the state at any time, since
/// nothing that is folded looks at it again.
#[must_use]
pub fn is_cleared(row: Micros, latest: Micros) -> bool {
    latest.get().saturating_sub(row.get()) > CLEARED_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_current_for_400_days_and_gone_after_430() {
        let at = |days: i64, micros: i64| Micros::new(days * DAY + micros);
        for (event, latest, expected) in [
            (at(0, 0), at(0, 0), Standing::Current),
            (at(-3, 0), at(9, 0), Standing::Current),
            (at(400, 0), at(400, 0), Standing::Current),
            (at(400, 1), at(400, 1), Standing::Outlived),
            (at(430, 0), at(430, 0), Standing::Outlived),
            (at(399, 0), at(430, 0), Standing::Current),
            (at(399, 0), at(430, 1), Standing::Cleared),
            (at(430, 1), at(430, 1), Standing::Cleared),
        ] {
            assert_eq!(standing(at(0, 0), event, latest), expected, "{event:?} {latest:?}");
        }
    }
}
