//! Lengths of time as people write them: `100ms`, `90s`, `15m`, `2h`, `35d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time, whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSpan(String);

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Span {
    /// This many days.
    #[must_use]
    pub const fn from_days(days: u32) -> Self {
        Self(days as u64 * 86_400_000)
    }

    /// This many seconds.
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs as u64 * 1000)
    }

    /// This many milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let invalid = || InvalidSpan(text.into());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let (_, ms) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        number.checked_mul(ms).filter(|ms| *ms <= i64::MAX as u64 / 1000).map(Self).ok_or_else(invalid)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |ms: &u64| self.0 != 0 && self.0.is_multiple_of(*ms);
        let (unit, ms) = UNITS.into_iter().find(|(_, ms)| whole(ms)).unwrap_or(("s", 1000));
        write!(f, "{}{unit}", self.0 / ms)
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;

    fn try_from(text: String) -> Result<Self, InvalidSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for InvalidSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no length of time: write 100ms, 90s, 15m, 2h or 35d", self.0)
    }
}

impl std::error::Error for InvalidSpan {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_alike() {
        for (text, ms, shown) in [
            ("100ms", 100, "100ms"),
            ("1000ms", 1000, "1s"),
            ("90s", 90_000, "90s"),
            ("15m", 900_000, "15m"),
            ("48h", 172_800_000, "2d"),
            ("35d", 3_024_000_000, "35d"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.millis(), span.to_string().as_str()), (ms, shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "5", "h", "-1h", "1.5h", "1 h", "1w", "99999999999999999999d", "9999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
