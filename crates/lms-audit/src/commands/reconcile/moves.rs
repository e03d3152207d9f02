//! Re-routed actions: what left a partition, by its receipts, is what arrived in another, by the
//! headers there. Compared without a list: both sides are a count and a sum.

use std::collections::BTreeMap;

use catalog::Topic;

use super::findings::{Finding, Findings, What};

/// Re-routed actions from one partition to another, without a list of them: how many, and a sum that
/// two sets share only if they are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) count: u64,
    sum: u64,
}

impl Moved {
    /// Takes the action that lay at this offset.
    pub(super) fn take(&mut self, offset: i64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(scattered(offset.cast_unsigned()));
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): sums of its values say little by chance.
fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What left and what arrived, by the partitions it lay in before and after.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// For each partition the offsets that can be compared: covered, and not so old that the arrival may
    /// have been deleted.
    comparable: BTreeMap<u32, std::ops::Range<i64>>,
    left: BTreeMap<(u32, u32), Moved>,
    arrived: BTreeMap<(u32, u32), Moved>,
}

impl Moves {
    /// Compares actions that lay at these offsets; none of other partitions.
    pub(super) fn new(comparable: BTreeMap<u32, std::ops::Range<i64>>) -> Self {
        Self { comparable, ..Self::default() }
    }

    /// A receipt says that the action at this offset left.
    pub(super) fn left(&mut self, from: u32, to: u32, offset: i64) {
        if self.is_comparable(from, offset) {
            self.left.entry((from, to)).or_default().take(offset);
        }
    }

    /// An action says that it lay at this offset before.
    pub(super) fn arrived(&mut self, from: u32, to: u32, offset: i64) {
        if self.is_comparable(from, offset) {
            self.arrived.entry((from, to)).or_default().take(offset);
        }
    }

    /// Names the pairs of partitions that do not agree.
    pub(super) fn compare(&self, findings: &mut Findings) {
        let pairs: std::collections::BTreeSet<_> = self.left.keys().chain(self.arrived.keys()).collect();
        for pair in pairs {
            let of = |moved: &BTreeMap<_, Moved>| moved.get(pair).copied().unwrap_or_default();
            let (left, arrived) = (of(&self.left), of(&self.arrived));
            if left != arrived {
                let (from, to) = pair;
                let detail = format!(
                    "receipts name {} actions re-routed from partition {from}, {} arrived; not the same ones",
                    left.count, arrived.count
                );
                findings.add(Finding::new(What::RerouteDiffers, Topic::Actions, "", detail).of(*to));
            }
        }
    }

    fn is_comparable(&self, from: u32, offset: i64) -> bool {
        self.comparable.get(&from).is_some_and(|offsets| offsets.contains(&offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_and_did_not_arrive_is_told_of_where_it_can_be_compared() {
        let check = |left: &[i64], arrived: &[i64], expected: u64| {
            let mut moves = Moves::new(BTreeMap::from([(0, 10..20)]));
            left.iter().for_each(|offset| moves.left(0, 1, *offset));
            arrived.iter().for_each(|offset| moves.arrived(0, 1, *offset));
            moves.left(2, 1, 15);
            let mut findings = Findings::new(9);
            moves.compare(&mut findings);
            assert_eq!(findings.of(What::RerouteDiffers), expected, "{left:?} {arrived:?}");
        };
        check(&[], &[], 0);
        check(&[10, 19], &[19, 10], 0);
        check(&[9, 12, 20], &[12], 0);
        check(&[12], &[], 1);
        check(&[12], &[12, 12], 1);
        check(&[12], &[13], 1);
        check(&[], &[12], 1);
    }

    #[test]
    fn the_same_moves_in_any_order_are_the_same_and_others_are_not() {
        let moved = |offsets: &[i64]| {
            let mut moved = Moved::default();
            offsets.iter().for_each(|offset| moved.take(*offset));
            moved
        };
        assert_eq!(moved(&[3, 1, 2]), moved(&[1, 2, 3]));
        for other in [&[1, 2, 4][..], &[1, 2], &[1, 2, 3, 3], &[0, 3, 3]] {
            assert_ne!(moved(&[1, 2, 3]), moved(other), "{other:?}");
        }
    }
}
