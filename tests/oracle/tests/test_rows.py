"""What rows become of events: windows, sketches, registers, purges, and the ledger's rows."""

import unittest

from oracle import sketch
from oracle.ledger import Ledger
from oracle.register import Register
from oracle.sequences import LISTED, Sequences
from oracle.times import DAY, HOUR
from oracle.views import Views

from .support import CATALOG, NOW, Record, normalizer, text

COURSE = {"kind": "course", "id": "c-9"}
IN_CATALOG = {"kind": "catalog", "id": "k-1"}


def folded(*changes):
    """The views and registers that these actions make, one after another."""
    judge, views, register = normalizer(), Views(), Register(CATALOG)
    for offset, changed in enumerate(changes):
        timestamp = changed.pop("timestamp", NOW)
        changed.setdefault("occurred_at", f"2026-11-02T09:14:{offset:02}Z")
        verdict = judge.judge(Record(text(id=f"a-{offset}", **changed), offset=offset, timestamp=timestamp))
        assert verdict.outcome == "recorded", (changed, verdict.outcome)
        views.fold(verdict, 0)
        register.fold(verdict)
    return views, register


def rows(expected):
    return {key: datum for key, _, _, datum in expected}


class Windows(unittest.TestCase):
    def test_rows_of_hour_and_day_count_late_events_too(self):
        views, _ = folded(
            {"within": [IN_CATALOG]},
            {"within": [IN_CATALOG], "user": {"id": "u-18"}, "occurred_at": "2026-11-02T08:59:59.999999Z"},
            {"within": [IN_CATALOG], "action": "certificate.reissued"},
        )
        found = rows(views.expected_activity("certificate"))
        hour = found["acme/k-1/CertificateIssued/hour/2026-11-02T08"]
        self.assertEqual((hour["count"], hour["start"]), (1, 1_793_606_400_000_000))
        day = found["acme/k-1/CertificateIssued/day/2026-11-02"]
        self.assertEqual((day["count"], day["by_action"]), (2, {"certificate.issued": 2}))
        self.assertEqual((day["last_at"] - day["first_at"], round(day["distinct_users"])), (840_000_001, 2))
        self.assertEqual(len(found), 5)
        actors = rows(views.expected_actors("certificate"))
        self.assertEqual(
            actors["acme/user/u-3/2026-11-02"]["by_event_type"],
            {"CertificateIssued": 2, "CertificateReissued": 1},
        )

    def test_a_row_starts_anew_after_retention(self):
        day = 24 * 3_600_000
        for days, expected in ((400, (2, False)), (401, (1, True)), (431, (1, False))):
            views, _ = folded({}, {"timestamp": NOW + days * day})
            row = rows(views.expected_activity("certificate"))["acme//CertificateIssued/day/2026-11-02"]
            self.assertEqual((row["count"], row["restarted"]), expected, days)

    def test_sketches_do_not_show_the_order_of_arrival(self):
        for count, length in ((0, 8), (7, 8 + 28), (8, 12 + 32), (192, 12 + 768), (193, 40 + 2048)):
            ids = [f"u-{number}" for number in range(count)]
            found = set()
            for order in (ids, ids[::-1], ids + ids):
                users = sketch.empty()
                for user in order:
                    users.update(user)
                found.add(sketch.canonical(users))
            self.assertEqual(len(found), 1, count)
            ((data, estimate),) = found
            self.assertEqual(len(data), length)
            self.assertAlmostEqual(estimate, count, delta=0.05 * count)


class Registers(unittest.TestCase):
    def test_the_latest_in_order_counts_whatever_came_first(self):
        _, register = folded(
            {"action": "course.completed", "object": COURSE, "occurred_at": "2026-11-02T09:00:00Z"},
            {
                "action": "course.started",
                "object": COURSE,
                "occurred_at": "2026-11-02T08:00:00Z",
                "within": [IN_CATALOG],
            },
            {
                "action": "course.retaken",
                "object": COURSE,
                "occurred_at": "2026-11-02T09:00:00Z",
                "sequence": 1,
                "actor": {"kind": "system"},
            },
        )
        # Retakes lie at home in the register of courses: one row of them all.
        (row,) = rows(register.expected("course-and-training-plan")).values()
        # Of two at one time, one without a sequence comes first.
        self.assertEqual((row["status"], row["by"]), ("not_started", {"kind": "system", "id": None}))
        self.assertEqual((row["catalog"], row["first"]["occurred_at"]), ("k-1", 1_793_606_400_000_000))
        self.assertEqual(row["catalog_set"], row["first"])
        self.assertEqual(row["by_event_type"], {"CourseCompleted": 1, "CourseStarted": 1, "UserRetook": 1})

    def test_a_purge_removes_what_lies_before_it_and_guards(self):
        issued = {"object": {"kind": "certificate", "id": "x"}}
        _, register = folded(
            {"object": {"kind": "certificate", "id": "gone"}},
            {"action": "lms_admin.assigned", "object": None},
            {"object": {"kind": "certificate", "id": "kept"}},
            {"object": {"kind": "certificate", "id": "kept"}, "occurred_at": "2026-11-02T09:30:00Z"},
            {"user": {"id": "u-1"}},
            {"action": "learner.purged", "object": None, "occurred_at": "2026-11-02T09:20:00Z"},
            {**issued, "occurred_at": "2026-11-02T09:19:59Z"},
            {**issued, "object": {"kind": "certificate", "id": "new"}, "occurred_at": "2026-11-02T09:20:01Z"},
        )
        found = rows(register.expected("certificate"))
        self.assertIsNone(found.pop("acme/certificate/u-17/certificate/gone"))
        kept = found["acme/certificate/u-17/certificate/kept"]
        self.assertEqual((kept["first"], kept["by_event_type"]), (kept["last"], {"CertificateIssued": 1}))
        self.assertEqual(
            sorted(found),
            [
                "acme/certificate/u-1/certificate/cert-1",
                "acme/certificate/u-17/certificate/kept",
                "acme/certificate/u-17/certificate/new",
            ],
        )
        # Roles are no learner records, and the purge itself stays.
        self.assertEqual(list(rows(register.expected("admin-role"))), ["acme/lms_admin/u-17"])
        self.assertEqual(list(rows(register.expected("user-status"))), ["acme/purge/u-17"])

    def test_a_purge_from_a_catalog_reaches_its_rows_alone(self):
        _, register = folded(
            {"object": {"kind": "certificate", "id": "in"}, "within": [IN_CATALOG]},
            {"object": {"kind": "certificate", "id": "none"}},
            {"action": "learner.purged_from_catalog", "object": IN_CATALOG},
            {
                "object": {"kind": "certificate", "id": "late"},
                "occurred_at": "2026-11-02T09:00:00Z",
                "within": [IN_CATALOG],
            },
            {"object": {"kind": "certificate", "id": "other"}, "occurred_at": "2026-11-02T09:00:00Z"},
        )
        found = rows(register.expected("certificate"))
        left = sorted(key.rsplit("/", 1)[1] for key, row in found.items() if row is not None)
        self.assertEqual(left, ["none", "other"])


class Accounts(unittest.TestCase):
    def test_counts_by_account_and_hour(self):
        ledger = Ledger()
        for record, account, outcome in (
            (Record(b""), ("acme", "lms.web"), "recorded"),
            (Record(b"", [("__lms.replay", b"0:1")]), ("acme", "lms.web"), "duplicate"),
            (Record(b"", timestamp=NOW + 3_600_000), ("acme", "lms.web"), "suppressed"),
            (Record(b""), (None, None), "dead_lettered"),
        ):
            ledger.count(record, *account, outcome)
        found = {key: (partition, datum) for key, partition, _, _, datum in ledger.expected(3)}
        self.assertEqual(
            set(found),
            {"acme/lms.web/2026-11-02T09", "acme/lms.web/2026-11-02T10", "~unknown/0/2026-11-02T09"},
        )
        _, first = found["acme/lms.web/2026-11-02T09"]
        self.assertEqual(
            [first[name] for name in ("received", "recorded", "duplicate", "replayed")], [2, 1, 1, 1]
        )
        self.assertEqual((first["hour"] % HOUR, first["received_at"]), (0, NOW * 1000))
        self.assertLess(first["hour"] % DAY, DAY)

    def test_missing_numbers_are_listed_and_found_again(self):
        for numbers, missing, more in (
            ([5], [], 0),
            ([5, 9], [(6, 8)], 0),
            ([5, 9, 7], [(6, 6), (8, 8)], 0),
            ([5, 9, 6, 8, 8], [(7, 7)], 0),
            ([5, 9, 1], [(2, 4), (6, 8)], 0),
            ([5, 6, 4], [], 0),
            (range(0, 4 * LISTED + 4, 4), [(4 * n + 1, 4 * n + 3) for n in range(LISTED)], 0),
            (range(0, 4 * LISTED + 8, 4), [(4 * n + 1, 4 * n + 3) for n in range(1, LISTED + 1)], 3),
            (
                [*range(0, 4 * LISTED + 8, 4), 2, -3],
                [(4 * n + 1, 4 * n + 3) for n in range(1, LISTED + 1)],
                5,
            ),
        ):
            sequences = Sequences()
            for number in numbers:
                sequences.take("acme", "hr", number, 7)
            ((key, _, _, part, row),) = sequences.expected(3)
            self.assertEqual((key, part), ("acme/hr/~sequence", "sequence"))
            self.assertEqual(
                ([(gap["from"], gap["until"]) for gap in row["missing"]], row["more"]),
                (missing, more),
                numbers,
            )
            self.assertEqual((row["lowest"], row["highest"]), (min(numbers), max(numbers)))


if __name__ == "__main__":
    unittest.main()
