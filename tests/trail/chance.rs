//! Chance that can be had again: `TRAIL_SEED` gives another one, and a failed test says which it had.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The chance that this number gives.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The chance of this run: by `TRAIL_SEED`, else always the same.
    ///
    /// # Panics
    /// When the variable holds no number.
    #[must_use]
    pub fn of_run() -> Self {
        let seed =
            std::env::var("TRAIL_SEED").map_or(1, |text| text.parse().expect("TRAIL_SEED is a number"));
        Self::of(seed)
    }

    /// A number in `from..until`.
    ///
    /// # Panics
    /// When there is none.
    pub fn between(&mut self, from: usize, until: usize) -> usize {
        assert!(from < until, "no number lies in {from}..{until}");
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let width = u64::try_from(until - from).expect("a width fits");
        from + usize::try_from(mixed % width).expect("less than a width")
    }
}
