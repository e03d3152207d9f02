"""What becomes of one action: forms, reasons, order of the rules, ids and digests."""

import hashlib
import io
import json
import unittest

import fastavro

from oracle import rules
from oracle.reading import read
from oracle.times import DAY

from .support import NOW, SCHEMAS, Record, fields, normalizer, text


def verdict(value, headers=None, **place):
    return normalizer().judge(Record(value, headers, **place))


def reason(value, headers=None, **place):
    found = verdict(value, headers, **place)
    return found.reason if found.outcome == "dead_lettered" else found.outcome


class Reasons(unittest.TestCase):
    def check(self, expected, **changed):
        self.assertEqual(reason(text(**changed)), expected, changed)

    def test_the_first_failing_says_why(self):
        self.check("recorded")
        for name in ("id", "source", "action", "occurred_at", "actor"):
            self.check("missing_field", **{name: None})
        for changed in (
            {"tenant": "-acme"},
            {"id": ""},
            {"id": "x" * 129},
            {"source": 7},
            {"source": "s" * 513},
            {"occurred_at": True},
            {"occurred_at": "yesterday"},
            {"actor": {"kind": "robot"}},
            {"actor": {"id": "u"}},
            {"user": {"name": "n"}},
            {"object": {"kind": "course", "id": "c"}},
            {"within": [None]},
            {"changes": [{}]},
            {"attributes": {"a": 1}},
            {"origin": "here"},
            {"sequence": 1.5},
            {"sequence": 2**63},
            {"reason": []},
            {"occurred_at": "1989-12-31T23:59:59Z"},
            {"within": [{"kind": "catalog", "id": i} for i in "ab"]},
        ):
            self.check("invalid_field", **changed)
        self.check("unknown_action", action="certificate.eaten")
        self.check("missing_field", object=None)
        self.check("missing_field", user=None)
        self.check("missing_field", actor={"kind": "service"})
        self.check("missing_field", action="certificate.expired")
        self.check("recorded", actor={"kind": "unknown"}, within=[{"kind": "group", "id": i} for i in "aa"])
        # Missing before invalid, invalid before unknown, unknown before what comes later.
        self.check("missing_field", tenant="-acme", source=None)
        self.check("invalid_field", source="", action="certificate.eaten")
        self.check("unknown_action", action="certificate.eaten", occurred_at="yesterday")

    def test_a_day_ahead_is_no_future(self):
        at = NOW * 1000 + DAY
        self.check("recorded", occurred_at=at // 1000)
        self.check("timestamp_in_future", occurred_at=at // 1000 + 1)

    def test_times_and_numbers_that_are_hard_to_hold(self):
        # The product's normalizer is tested by the same cases.
        for changed, expected in (
            ('"occurred_at":"9999-12-30T21:59:59Z"', "timestamp_in_future"),
            ('"occurred_at":"9999-12-30T22:00:00Z"', "timestamp_in_future"),
            ('"occurred_at":"9999-12-31T23:59:59.999999-23:59"', "timestamp_in_future"),
            ('"occurred_at":253402300800000', "timestamp_in_future"),
            ('"occurred_at":"9999-12-32T00:00:00Z"', "invalid_field"),
            ('"occurred_at":"0000-01-01T00:00:00+23:59"', "invalid_field"),
            ('"occurred_at":1e400', "invalid_field"),
            ('"sequence":0', "recorded"),
            ('"sequence":-9223372036854775808', "recorded"),
            ('"sequence":-0', "invalid_field"),
            ('"sequence":0.0', "invalid_field"),
            ('"sequence":1e400', "invalid_field"),
            ('"reason":1e400', "invalid_field"),
            ('"reason":[{"a":-1e400}]', "invalid_field"),
            ('"attributes":{"a":1e400}', "invalid_field"),
            ('"changes":[{"field":"f","before":1e400}]', "recorded"),
            ('"other":[1e400]', "recorded"),
            ('"reason":1e400,"reason":"r"', "malformed"),
        ):
            time = {"occurred_at": None} if "occurred_at" in changed else {}
            action = text(action="course.updated", object={"kind": "course", "id": "o-1"}, user=None, **time)
            self.assertEqual(reason(action[:-1] + b"," + changed.encode() + b"}"), expected, changed)

    def test_bytes_that_are_no_action(self):
        for value in (
            None,
            b"",
            b"null",
            b"[]",
            b"{",
            b"\xff",
            b'{"a":NaN}',
            b'{"a":1,"a":1}',
            b'{"x":{"a":1,"a":1}}',
            b'{"a":"\\ud800"}',
            b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
            b"\x00\x00",
            b"\xc3\x01abc",
        ):
            self.assertEqual(reason(value), "malformed", value)
        self.assertEqual(reason(b"\x00\x00\x00\x00\x07abc"), "unknown_schema")
        self.assertEqual(reason(b"\xc3\x01" + bytes(8)), "unknown_schema")
        self.assertEqual(reason(text(), [("__value_schema_id", b"\x00\x00\x00\x00\x07")]), "unknown_schema")
        # A tenant is needed to be routed; without one the action stays, whatever is missing.
        self.assertEqual(reason(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"), "missing_field")

    def test_size_comes_first(self):
        self.assertEqual(reason(b" " * (1 << 20) + b"{"), "oversized")
        self.assertEqual(reason(text(), [("h", b"x" * (32 * 1024))]), "oversized")
        self.assertEqual(reason(text(), [("h", b"x" * (32 * 1024 - 7))]), "recorded")
        self.assertEqual(reason(text(), [("h", b"x" * (32 * 1024 - 6))]), "oversized")

    def test_routing_comes_before_every_later_verdict(self):
        moved = verdict(text(actor=None), partition=1)
        self.assertEqual((moved.outcome, moved.to), ("rerouted", 0))
        self.assertEqual(reason(text(actor=None), [("__lms.reroute", b"2/17/3")], partition=1), "misrouted")
        self.assertEqual(reason(text(), [("__lms.reroute", b"2/17/3")]), "recorded")
        self.assertEqual(reason(text(), [("__lms.reroute", b"2/17/12")], partition=1), "rerouted")
        self.assertEqual(reason(text(), [("__lms.reroute", b"2/17")], partition=1), "rerouted")


class Dedup(unittest.TestCase):
    def test_the_same_again_another_one_and_the_window(self):
        judge = normalizer().judge
        window = 35 * 24 * 3_600_000
        for offset, (value, after, expected) in enumerate(
            (
                (text(), 0, "recorded"),
                (text(sequence=7, correlation_id="c", origin={"ip": "::1"}), 1, "duplicate"),
                (text(reason="another"), 2, "conflicting_duplicate"),
                (text(source="hr"), 3, "recorded"),
                (text(), window - 1, "duplicate"),
                (text(), window, "recorded"),
            )
        ):
            found = judge(Record(value, offset=offset, timestamp=NOW + after))
            self.assertEqual(found.reason if found.outcome == "dead_lettered" else found.outcome, expected)

    def test_only_the_latest_setting_in_the_registers_order_suppresses(self):
        judge = normalizer().judge
        course = {"kind": "course", "id": "c-1"}
        expired = {"action": "certificate.expired", "within": [course]}
        for number, (changed, expected) in enumerate(
            (
                (expired, "recorded"),
                (
                    {
                        "action": "course.updated",
                        "object": course,
                        "attributes": {"certificate_expiry": "disabled"},
                    },
                    "recorded",
                ),
                (expired, "suppressed"),
                (
                    {
                        "action": "course.created",
                        "object": course,
                        "attributes": {"certificate_expiry": "enabled"},
                        "occurred_at": "2026-11-01T00:00:00Z",
                    },
                    "recorded",
                ),
                (expired, "suppressed"),
                (
                    {
                        "action": "course.updated",
                        "object": course,
                        "attributes": {"certificate_expiry": "perhaps"},
                        "occurred_at": "2026-11-02T09:14:04Z",
                    },
                    "recorded",
                ),
                (expired, "suppressed"),
            )
        ):
            self.assertEqual(
                judge(Record(text(id=str(number), **changed), offset=number)).outcome, expected, number
            )


class Forms(unittest.TestCase):
    """One action says the same in every form."""

    def test_encodings_agree(self):
        action = fields(
            occurred_at=1_793_610_843_000,
            attributes={"b": "2", "a": "1"},
            changes=[{"field": "f", "before": 1.50, "after": True}],
        )
        plain = json.dumps(action)[:-1].replace("1.5,", "1.50,").encode() + b"}"
        about = {
            "id": "a-1",
            "source": "lms.web",
            "type": "certificate.issued",
            "time": "2026-11-02T09:14:03Z",
            "tenant": "acme",
        }
        data = {name: action[name] for name in ("actor", "user", "object", "attributes", "changes")}
        structured = (
            json.dumps({"specversion": "1.0", **about, "data": {**data, "id": "not this"}})
            .replace("1.5,", "1.50,")
            .encode()
        )
        headers = [
            ("ce_specversion", b"1.0"),
            *((f"ce_{name}", said.encode()) for name, said in about.items()),
        ]
        binary = json.dumps(data).replace("1.5,", "1.50,").encode()
        out = io.BytesIO()
        avro = {
            **action,
            "occurred_at": 1_793_610_843_000_000,
            "changes": [{"field": "f", "before": "1.50", "after": "true"}],
        }
        fastavro.schemaless_writer(out, SCHEMAS.newest["action"][2], avro)
        digests = {
            rules.digest(read(value, headers, SCHEMAS))
            for value, headers in (
                (plain, None),
                (structured, None),
                (structured, [("content-type", b"application/cloudevents+json; charset=utf-8")]),
                (binary, headers),
                (SCHEMAS.prefix("action") + out.getvalue(), None),
            )
        }
        self.assertEqual(len(digests), 1)

    def test_what_nobody_knows_is_kept_as_text(self):
        value = b'{"zed":{"b":1},"nil":null,"actor":{"kind":"system","x":true},"attributes":{"x.zed":"mine"}}'
        raw = read(value, None, SCHEMAS)
        self.assertEqual(raw.attributes, {"x.actor.x": "true", "x.zed": "mine", "x.~truncated": "1"})
        raw = read(b'{"zed":{"b" : 1.50,"a":"\\u00e9"},"within":[{"y":[1, 2]}]}', None, SCHEMAS)
        self.assertEqual(raw.attributes, {"x.within[0].y": "[1,2]", "x.zed": '{"b":1.50,"a":"é"}'})
        raw = read(b'{"big":"%s","small":"s"}' % (b"x" * 8192), None, SCHEMAS)
        self.assertEqual(raw.attributes, {"x.small": "s", "x.~truncated": "1"})


class Ids(unittest.TestCase):
    def test_an_events_id(self):
        # Lengths as big-endian u32; the hash's first ten bytes follow the time.
        said = b"\0\0\0\x04acme\0\0\0\x07lms.web\0\0\0\x03a-1"
        self.assertEqual(rules.identity("acme", "lms.web", "a-1"), hashlib.sha256(said).digest())
        found = rules.event_id(1_793_610_843_000_999, bytes(range(0xF0, 0x100)) * 2)
        # 1793610843000 is 0x1A19B898378; version 8 lies over the digit behind it.
        self.assertEqual(found, "01a19b89-8378-80f1-b2f3-f4f5f6f7f8f9")

    def test_a_digest(self):
        long = lambda number: number.to_bytes(8, "big")
        word = lambda word: long(len(word)) + word
        said = (
            word(b"lms_admin.assigned")
            + long(5)
            + word(b"user")
            + b"\1"
            + word(b"u-3")
            + b"\0"
            + long(1)
            + word(b"admin")
            + b"\0"
            + b"\1"
            + word(b"u-17")
            + b"\0"
            + b"\0"
            + long(0)
            + long(0)
            + long(0)
            + b"\1"
            + word(b"why")
        )
        value = (
            b'{"action":"lms_admin.assigned","occurred_at":0.005,"reason":"why","user":{"id":"u-17"},'
            b'"actor":{"kind":"user","id":"u-3","roles":["admin"]}}'
        )
        self.assertEqual(rules.digest(read(value, None, SCHEMAS)), b"\1" + hashlib.sha256(said).digest())


if __name__ == "__main__":
    unittest.main()
