//! Points in time with the resolution the trail keeps: microseconds.

/// Microseconds since the epoch, UTC (Avro's `timestamp-micros`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

impl Micros {
    /// 1990-01-01T00:00:00Z: no learning platform's log begins before it.
    pub const EARLIEST: Micros = Micros(631_152_000_000_000);
    const HOUR: i64 = 3_600_000_000;

    /// This many microseconds since the epoch.
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// This many milliseconds since the epoch; `None` where microseconds cannot hold it.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The start of the UTC hour it lies in.
    #[must_use]
    pub const fn hour(self) -> Self {
        Self(self.0 - self.0.rem_euclid(Self::HOUR))
    }

    /// The start of the UTC day it lies in.
    #[must_use]
    pub const fn day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(24 * Self::HOUR))
    }
}
