//! Times as text and as numbers: RFC 3339 in and out, epoch milliseconds in. What is finer than a
//! microsecond is cut, never rounded: a time must not move into the next hour by being read.

use catalog::Micros;
use jiff::Timestamp;
use jiff::civil::DateTime;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A time as RFC 3339 in UTC, `2026-11-02T09:14:03.123456Z`, with as many digits of a fraction as
/// it needs. Beyond the years that jiff knows (-9999 to 9999) it is the nearest time within them.
#[must_use]
pub fn rfc3339(at: Micros) -> String {
    let nearest = if at.get() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(at.get()).unwrap_or(nearest).to_string()
}

/// Reads RFC 3339 (section 5.6) with any offset; `T` may be a space, letters may be small, as its
/// notes allow. A leap second is `None`: no clock of this trail can say when it was.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    let bytes = text.as_bytes();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', rest @ ..] = bytes else {
        return None;
    };
    let [h1, h2, b':', n1, n2, b':', s1, s2, rest @ ..] = rest else { return None };
    let year = i16::from(pair(*y1, *y2)?) * 100 + i16::from(pair(*y3, *y4)?);
    let (nanos, zone) = fraction(rest)?;
    let local = DateTime::new(
        year,
        pair(*m1, *m2)?,
        pair(*d1, *d2)?,
        pair(*h1, *h2)?,
        pair(*n1, *n2)?,
        pair(*s1, *s2)?,
        nanos,
    )
    .ok()?;
    // Counted by hand, as jiff's instants end two days before its calendar does: at 9999-12-30T22:00Z.
    // The fraction was cut before, so that no microsecond is rounded.
    let since = local.duration_since(EPOCH).as_micros() - i128::from(offset(zone)?) * 1_000_000;
    i64::try_from(since).ok().map(Micros::new)
}

/// Reads a JSON number as milliseconds since the epoch. It works on the digits, since a binary
/// fraction of today's milliseconds cannot hold every microsecond. `None` where it is out of range.
pub(crate) fn parse_millis(number: &str) -> Option<Micros> {
    let (number, exponent) = match number.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (negative, whole) = match whole.strip_prefix('-') {
        Some(whole) => (true, whole),
        None => (false, whole),
    };
    let mut digits: i128 = 0;
    // 24 digits of a fraction outlast every exponent that leads to a time in range.
    let fraction = fraction.get(..fraction.len().min(24))?;
    for byte in whole.bytes().chain(fraction.bytes()) {
        digits = digits.checked_mul(10)?.checked_add(i128::from(digit(byte)?))?;
    }
    let scale = exponent.checked_add(3)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let signed = if negative { -digits } else { digits };
    let micros = match 10_i128.checked_pow(scale.unsigned_abs()) {
        Some(power) if scale >= 0 => signed.checked_mul(power)?,
        Some(power) => signed.div_euclid(power),
        None if scale < 0 || signed == 0 => 0,
        None => return None,
    };
    i64::try_from(micros).ok().map(Micros::new)
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

fn pair(tens: u8, ones: u8) -> Option<i8> {
    i8::try_from(digit(tens)? * 10 + digit(ones)?).ok()
}

/// The nanoseconds of a fraction, cut to microseconds, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let Some(after) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let micros = (0..6).fold(0, |sum, place| {
        let digit = if place < length { i32::from(after[place] - b'0') } else { 0 };
        sum * 10 + digit
    });
    Some((micros * 1000, &after[length..]))
}

/// By how many seconds a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i32> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (i32::from(pair(*h1, *h2)?), i32::from(pair(*m1, *m2)?));
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = (hours * 60 + minutes) * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_to_the_microsecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-02T09:14:03.123456Z", Some(1_793_610_843_123_456)),
            ("2026-11-02T09:14:03.1234569Z", Some(1_793_610_843_123_456)),
            ("2026-11-02T10:14:03.1+01:00", Some(1_793_610_843_100_000)),
            ("2026-11-02t05:14:03-04:00", Some(1_793_610_843_000_000)),
            ("2026-11-02 09:14:03z", Some(1_793_610_843_000_000)),
            ("2026-11-02T09:14:03-00:00", Some(1_793_610_843_000_000)),
            ("1969-12-31T23:59:59.9999999Z", Some(-1)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("0000-03-01T00:00:00Z", Some(-62_162_035_200_000_000)),
            ("0000-01-01T00:00:00+23:59", Some(-62_167_305_540_000_000)),
            ("9999-12-30T22:00:00Z", Some(253_402_207_200_000_000)),
            ("9999-12-31T23:59:59.999999Z", Some(253_402_300_799_999_999)),
            ("9999-12-31T23:59:59-23:59", Some(253_402_387_139_000_000)),
            ("9999-12-32T00:00:00Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("2026-11-02T24:00:00Z", None),
            ("2026-11-02T09:14:03", None),
            ("2026-11-02T09:14:03.Z", None),
            ("2026-11-02T09:14Z", None),
            ("2026-11-02T09:14:03+0100", None),
            ("2026-11-02T09:14:03+24:00", None),
            ("2026-11-02T09:14:03Z ", None),
            ("+2026-11-02T09:14:03Z", None),
            ("2026-11-0２T09:14:03Z", None),
            ("", None),
        ] {
            assert_eq!(parse_rfc3339(text).map(Micros::get), expected, "{text}");
        }
    }

    #[test]
    fn milliseconds_keep_their_microseconds() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1793610843123", Some(1_793_610_843_123_000)),
            ("1793610843123.456", Some(1_793_610_843_123_456)),
            ("1793610843123.4569999999999999999", Some(1_793_610_843_123_456)),
            ("1.793610843123456e12", Some(1_793_610_843_123_456)),
            ("1793610843123456E-3", Some(1_793_610_843_123_456)),
            ("-0.0001", Some(-1)),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
            ("1e400", None),
            ("0e400", Some(0)),
            ("1e-400", Some(0)),
            ("1e99999999999", None),
        ] {
            assert_eq!(parse_millis(text).map(Micros::get), expected, "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_utc_with_the_fraction_they_need() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_793_610_843_123_456, "2026-11-02T09:14:03.123456Z"),
            (1_793_610_843_100_000, "2026-11-02T09:14:03.1Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(rfc3339(Micros::new(micros)), text);
            assert_eq!(parse_rfc3339(text), Some(Micros::new(micros)));
        }
        assert!(rfc3339(Micros::new(i64::MAX)).starts_with("9999-12-"));
        assert!(rfc3339(Micros::new(i64::MIN)).starts_with("-009999-01-"));
    }
}
