//! What a source's counter tells: which of its actions never arrived. Pure arithmetic on one row.

use catalog::{Micros, SequenceRange, SequenceRow, TenantId};

/// The row of a source of which this is the first number received.
#[must_use]
pub fn first_number(tenant: &TenantId, source: &str, number: i64, received_at: Micros) -> SequenceRow {
    SequenceRow {
        tenant: tenant.clone(),
        source: source.to_owned(),
        lowest: number,
        highest: number,
        missing: Vec::new(),
        more: 0,
        received_at,
    }
}

/// Takes a further number of the row's source: what it leaves out is missing, and if it was missing
/// itself it is no more. One that was received before changes nothing but the time.
pub fn next_number(row: &mut SequenceRow, number: i64, received_at: Micros) {
    row.received_at = row.received_at.max(received_at);
    if number > row.highest {
        if let Some(gap) = between(row.highest, number) {
            row.missing.push(gap);
        }
        row.highest = number;
    } else if number < row.lowest {
        let gap = between(number, row.lowest);
        row.lowest = number;
        match gap {
            // What was left out of the list lies above this one, and only the highest are listed.
            Some(gap) if row.more > 0 => leave_out(row, gap),
            Some(gap) => row.missing.insert(0, gap),
            None => {}
        }
    } else {
        fill(&mut row.missing, number);
    }
    while row.missing.len() > SequenceRow::RANGES {
        let lowest = row.missing.remove(0);
        leave_out(row, lowest);
    }
}

/// Takes a number that arrived late off the range it lies in.
fn fill(missing: &mut Vec<SequenceRange>, number: i64) {
    let place = missing.partition_point(|range| range.until < number);
    let Some(range) = missing.get_mut(place).filter(|range| range.from <= number) else { return };
    let SequenceRange { from, until } = *range;
    match (from == number, until == number) {
        (true, true) => {
            missing.remove(place);
        }
        (true, false) => range.from += 1,
        (false, true) => range.until -= 1,
        (false, false) => {
            range.until = number - 1;
            missing.insert(place + 1, SequenceRange { from: number + 1, until });
        }
    }
}

/// Counts a range that is not listed any more; a count that does not fit stays at the greatest.
fn leave_out(row: &mut SequenceRow, range: SequenceRange) {
    let numbers = range.until.abs_diff(range.from).saturating_add(1);
    row.more = row.more.saturating_add(i64::try_from(numbers).unwrap_or(i64::MAX));
}

/// What lies between two numbers, if anything does.
fn between(low: i64, high: i64) -> Option<SequenceRange> {
    let range = SequenceRange { from: low.checked_add(1)?, until: high.checked_sub(1)? };
    (range.from <= range.until).then_some(range)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::tenant;

    fn row_of(numbers: &[i64]) -> SequenceRow {
        let at = |place: usize| Micros::new(place as i64);
        let mut row = first_number(&tenant("acme"), "lms.web", numbers[0], at(0));
        for (place, number) in numbers.iter().enumerate().skip(1) {
            next_number(&mut row, *number, at(place));
        }
        row
    }

    fn check(numbers: &[i64], bounds: (i64, i64), missing: &[(i64, i64)], more: i64) {
        let row = row_of(numbers);
        assert_eq!((row.lowest, row.highest), bounds, "{numbers:?}");
        let found: Vec<_> = row.missing.iter().map(|range| (range.from, range.until)).collect();
        assert_eq!((&found[..], row.more), (missing, more), "{numbers:?}");
    }

    #[test]
    fn gaps_open_and_close() {
        check(&[5], (5, 5), &[], 0);
        check(&[5, 6, 6, 5, 7], (5, 7), &[], 0);
        check(&[5, 9], (5, 9), &[(6, 8)], 0);
        check(&[9, 5], (5, 9), &[(6, 8)], 0);
        check(&[5, 9, 7], (5, 9), &[(6, 6), (8, 8)], 0);
        check(&[5, 9, 6, 8], (5, 9), &[(7, 7)], 0);
        check(&[5, 9, 7, 6, 8], (5, 9), &[], 0);
        check(&[i64::MAX, i64::MIN], (i64::MIN, i64::MAX), &[(i64::MIN + 1, i64::MAX - 1)], 0);
    }

    #[test]
    fn only_the_highest_ranges_are_listed() {
        let even: Vec<i64> = (0..=132).map(|n| n * 2).collect();
        let listed: Vec<_> = (68..132).map(|n| (2 * n + 1, 2 * n + 1)).collect();
        check(&even, (0, 264), &listed, 68);
        // A late number among those left out cannot be told from a repeated one.
        let late = [&even[..], &[1]].concat();
        check(&late, (0, 264), &listed, 68);
        // What opens below them is left out as well, even where the list has room.
        let below = [&even[..], &[137, -10]].concat();
        check(&below, (-10, 264), &listed[1..], 68 + 9);
    }

    #[test]
    fn a_count_that_does_not_fit_stays_at_the_greatest() {
        let mut numbers = vec![i64::MIN, 0];
        numbers.extend((1..=65).map(|n| n * 2));
        assert_eq!(row_of(&numbers).more, i64::MAX);
    }

    proptest! {
        #[test]
        fn what_is_missing_is_what_was_not_received(numbers in prop::collection::vec(-60_i64..60, 1..80)) {
            let row = row_of(&numbers);
            let received: BTreeSet<_> = numbers.iter().copied().collect();
            let missing: Vec<_> = row.missing.iter().flat_map(|range| range.from..=range.until).collect();
            let expected: Vec<_> =
                (row.lowest..=row.highest).filter(|number| !received.contains(number)).collect();
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(row.more, 0);
            prop_assert!(row.missing.windows(2).all(|pair| pair[0].until + 1 < pair[1].from));
        }

        #[test]
        fn what_is_left_out_is_counted(numbers in prop::collection::vec(0_i64..1_000, 1..400)) {
            let mut numbers = numbers;
            numbers.sort_unstable();
            let row = row_of(&numbers);
            let received: BTreeSet<_> = numbers.iter().copied().collect();
            let listed: i64 = row.missing.iter().map(|range| range.until - range.from + 1).sum();
            prop_assert_eq!(listed + row.more, row.highest - row.lowest + 1 - received.len() as i64);
            prop_assert!(row.missing.len() <= SequenceRow::RANGES);
        }
    }
}
