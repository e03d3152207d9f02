"""Times and keys, by literal cases."""

import unittest

from oracle import keys, times

# 2026-11-02T09:14:03Z
AT = 1_793_610_843_000_000


class Times(unittest.TestCase):
    def test_rfc_3339(self):
        for text, expected in (
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-02T09:14:03Z", AT),
            ("2026-11-02t10:14:03.5+01:00", AT + 500_000),
            ("2026-11-02 05:14:03.1234569-04:00", AT + 123_456),
            ("1969-12-31T23:59:59.9999999Z", -1),
            ("0000-03-01T00:00:00Z", -62_162_035_200_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
            ("2023-02-29T00:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("2026-11-02T24:00:00Z", None),
            ("2026-11-02T09:14:03", None),
            ("2026-11-02T09:14:03.Z", None),
            ("2026-11-02T09:14:03+0100", None),
            ("2026-11-02T09:14:03+24:00", None),
            ("2026-11-02T09:14:03Z\n", None),
            ("٢٠٢٦-11-02T09:14:03Z", None),
        ):
            self.assertEqual(times.of_rfc3339(text), expected, text)

    def test_milliseconds_keep_every_digit(self):
        for text, expected in (
            ("0", 0),
            ("1793610843000", AT),
            ("1793610843000.4569", AT + 456),
            ("1.793610843e12", AT),
            ("-0.0001", -1),
            ("9223372036854775.807", 2**63 - 1),
            ("9223372036854775.808", None),
            ("1e400", None),
            ("0e400", 0),
            ("1e-400", 0),
        ):
            self.assertEqual(times.of_millis(text), expected, text)

    def test_out_again(self):
        for micros, expected in (
            (AT, "2026-11-02T09:14:03Z"),
            (AT + 120_000, "2026-11-02T09:14:03.12Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ):
            self.assertEqual(times.to_rfc3339(micros), expected)
        self.assertEqual(times.hour_name(AT), "2026-11-02T09")
        self.assertEqual(times.day_name(AT), "2026-11-02")


class Keys(unittest.TestCase):
    def test_murmur2_is_kafkas(self):
        # Signed, from the tests of Kafka's own clients.
        for data, expected in (
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"abc", 479470107),
        ):
            self.assertEqual(keys.murmur2(data), expected & 0xFFFFFFFF, data)
        self.assertEqual(keys.partition_of("acme", 3), 0x339B9904 % 3)

    def test_parts_are_encoded_where_they_must_be(self):
        objects = (("course", "c/9%"),)
        self.assertEqual(
            keys.register_key("acme", "progress", "u-17", objects), "acme/progress/u-17/course/c%2F9%25"
        )
        self.assertEqual(keys.row_key("a\n", "\x85", "é", "~"), "a%0A/%C2%85/é/~")
        self.assertEqual(keys.activity_key("acme", None, "X", "hour", AT), "acme//X/hour/2026-11-02T09")
        self.assertEqual(keys.actors_key("acme", "system", None, AT), "acme/system//2026-11-02")

    def test_the_ledgers_keys_cannot_be_taken_by_a_source(self):
        for account, expected in (
            (("acme", "lms.web", None), "acme/lms.web/2026-11-02T09"),
            (("acme", "~unknown", None), "acme/%7Eunknown/2026-11-02T09"),
            (("acme", None, None), "acme/~unknown/2026-11-02T09"),
            ((None, None, 2), "~unknown/2/2026-11-02T09"),
        ):
            self.assertEqual(keys.account_key(*account, AT), expected)


if __name__ == "__main__":
    unittest.main()
