"""Times: RFC 3339 and epoch milliseconds in, RFC 3339 and the starts of windows out.

All times are whole microseconds since the epoch. What is finer is cut, never rounded.
"""

import datetime
import re

HOUR = 3_600_000_000
DAY = 24 * HOUR
# 1990-01-01T00:00:00Z: what happened earlier is no time of a learning platform.
EARLIEST = 631_152_000_000_000

_EPOCH = datetime.date(1970, 1, 1).toordinal()
# The Gregorian calendar repeats after 400 years of so many days; Python knows no year 0.
_CYCLE = 146_097
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)

_days = {}
_names = {}


def of_rfc3339(text):
    """The time that an RFC 3339 text says, or None where it says none; a leap second is none."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    days = _day_number(year, month, day)
    hour, minute, second = int(hour), int(minute), int(second)
    if days is None or hour > 23 or minute > 59 or second > 59:
        return None
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    if sign:
        zone_hour, zone_minute = int(zone_hour), int(zone_minute)
        if zone_hour > 23 or zone_minute > 59:
            return None
        east = zone_hour * 3_600 + zone_minute * 60
        seconds += east if sign == "-" else -east
    return seconds * 1_000_000 + (int(fraction[:6].ljust(6, "0")) if fraction else 0)


def of_millis(number):
    """The time that the digits of a JSON number of milliseconds say, or None where it is out of 64 bits."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    fraction = fraction or ""
    # Beyond this no time in range is left, and the power would fill the memory.
    exponent = max(-100_000, min(100_000, int(exponent or 0)))
    digits = int(whole + fraction)
    scale = exponent + 3 - len(fraction)
    if digits == 0:
        return 0
    if scale > 40:
        return None
    signed = -digits if sign else digits
    micros = signed * 10**scale if scale >= 0 else signed // 10**-scale
    return micros if -(2**63) <= micros < 2**63 else None


def to_rfc3339(micros):
    """RFC 3339 in UTC with as many digits of a fraction as the time needs."""
    days, rest = divmod(micros, DAY)
    seconds, fraction = divmod(rest, 1_000_000)
    text = f"{day_name(days * DAY)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}".rstrip("0") + "Z" if fraction else text + "Z"


def day_name(micros):
    """The UTC day that a time lies in, 2026-11-02."""
    days = micros // DAY
    name = _names.get(days)
    if name is None:
        name = _names[days] = datetime.date.fromordinal(days + _EPOCH).isoformat()
    return name


def hour_name(micros):
    """The UTC hour that a time lies in, 2026-11-02T09."""
    return f"{day_name(micros)}T{micros % DAY // HOUR:02}"


def _day_number(year, month, day):
    """Days since the epoch, or None where the calendar has no such day."""
    date = year + month + day
    if date not in _days:
        shift = _CYCLE if year == "0000" else 0
        try:
            number = datetime.date(int(year) + (400 if shift else 0), int(month), int(day)).toordinal()
            _days[date] = number - _EPOCH - shift
        except ValueError:
            _days[date] = None
        if len(_days) > 100_000:
            return _days.pop(date)
    return _days[date]
