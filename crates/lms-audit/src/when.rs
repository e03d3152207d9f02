//! Points in time as people write them on the command line, and as we write them for people.

use std::fmt;

use catalog::Micros;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::Span;

/// A point in time as it was asked for; relative ones are settled by [`When::at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long ago: `2h`, `3d`.
    Ago(Span),
    /// Now.
    Now,
    /// A fixed time: RFC 3339, or the midnight (UTC) that a date begins with.
    At(Micros),
}

/// A text that names no point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidWhen(String);

impl std::str::FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, InvalidWhen> {
        let fixed = |at: Timestamp| Self::At(Micros::new(at.as_microsecond()));
        if text == "now" {
            return Ok(Self::Now);
        }
        if let Ok(span) = text.parse() {
            return Ok(Self::Ago(span));
        }
        // A date alone: only as YYYY-MM-DD, so that nothing else slips through.
        if text.len() == 10 {
            let date: Date = text.parse().map_err(|_| InvalidWhen(text.into()))?;
            let start = date.to_zoned(TimeZone::UTC).map_err(|_| InvalidWhen(text.into()))?;
            return Ok(fixed(start.timestamp()));
        }
        text.parse().map(fixed).map_err(|_| InvalidWhen(text.into()))
    }
}

impl When {
    /// The time meant, if it is `now` now.
    #[must_use]
    pub fn at(self, now: Micros) -> Micros {
        match self {
            Self::At(at) => at,
            Self::Now => now,
            Self::Ago(span) => {
                Micros::new(now.get().saturating_sub_unsigned(span.millis().saturating_mul(1000)))
            }
        }
    }
}

impl fmt::Display for InvalidWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0;
        write!(f, "{text:?} is no time: write 2h or 3d (ago), 2026-11-01, 2026-11-01T09:00:00Z or now")
    }
}

impl std::error::Error for InvalidWhen {}

/// The time now.
#[must_use]
pub fn now() -> Micros {
    Micros::new(Timestamp::now().as_microsecond())
}

/// A time for people, to the second: `2026-11-02 09:14:03Z`.
#[must_use]
pub fn readable(at: Micros) -> String {
    let Ok(at) = Timestamp::from_microsecond(at.get()) else { return format!("{} µs", at.get()) };
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::new(1_793_610_843_000_000);

    #[test]
    fn times_as_people_write_them() {
        for (text, expected) in [
            ("now", "2026-11-02 09:14:03Z"),
            ("2h", "2026-11-02 07:14:03Z"),
            ("3d", "2026-10-30 09:14:03Z"),
            ("2026-11-01", "2026-11-01 00:00:00Z"),
            ("2026-11-01T09:00:00Z", "2026-11-01 09:00:00Z"),
            ("2026-11-01T09:00:00.5+02:00", "2026-11-01 07:00:00Z"),
        ] {
            assert_eq!(readable(text.parse::<When>().expect(text).at(NOW)), expected, "{text}");
        }
    }

    #[test]
    fn what_names_no_time_is_refused() {
        for text in ["", "yesterday", "2026-11-31", "20261101", "2026-11-01T09:00:00", "2 h", "-2h"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
