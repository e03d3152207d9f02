//! What the ledger says was received, and what became of it.

use std::fmt;

use catalog::LedgerRow;

use crate::generate::Summary;

/// Sums over rows of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Actions received.
    pub received: i64,
    /// Of these, recorded as audit events.
    pub recorded: i64,
    /// Of these, duplicates.
    pub duplicate: i64,
    /// Of these, suppressed.
    pub suppressed: i64,
    /// Of these, dead letters.
    pub dead_lettered: i64,
}

impl Account {
    /// The account that is expected of what was generated.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            received: number(summary.total),
            recorded: number(summary.recorded()),
            duplicate: number(summary.duplicate),
            suppressed: number(summary.suppressed),
            dead_lettered: number(summary.dead_letters()),
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &LedgerRow) {
        self.received += row.received;
        self.recorded += row.recorded;
        self.duplicate += row.duplicate;
        self.suppressed += row.suppressed;
        self.dead_lettered += row.dead_lettered;
    }

    /// What came since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            received: self.received - before.received,
            recorded: self.recorded - before.recorded,
            duplicate: self.duplicate - before.duplicate,
            suppressed: self.suppressed - before.suppressed,
            dead_lettered: self.dead_lettered - before.dead_lettered,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            recorded: self.recorded + other.recorded,
            duplicate: self.duplicate + other.duplicate,
            suppressed: self.suppressed + other.suppressed,
            dead_lettered: self.dead_lettered + other.dead_lettered,
        }
    }

    /// Whether everything received became exactly one thing.
    #[must_use]
    pub const fn balances(self) -> bool {
        self.received == self.recorded + self.duplicate + self.suppressed + self.dead_lettered
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, recorded, duplicate, suppressed, dead_lettered } = self;
        let sign = if self.balances() { "=" } else { "≠" };
        write!(
            f,
            "received {received} {sign} recorded {recorded} + duplicate {duplicate} + \
             suppressed {suppressed} + dead-lettered {dead_lettered}"
        )
    }
}
