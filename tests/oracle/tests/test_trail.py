"""The comparison has teeth: each way in which a trail can be wrong is named, and a right one is not."""

import unittest

from oracle import trail
from oracle.normalizer import Limits
from oracle.trail import ACTIONS, DEAD_LETTERS, EVENTS, LEDGER, RECEIPTS, SETTINGS

from .fake import Broker, settle
from .support import CATALOG, NOW, SCHEMAS, Record, text

ACTIVITY = "lms.audit.reports.certificate.activity.v1"
REGISTER = "lms.audit.reports.certificate.register.v1"


def broker():
    """Two events, a duplicate, a dead letter, one re-routed, and one that sets something."""
    return Broker(
        [
            Record(text()),
            Record(text(id="a-2", object={"kind": "certificate", "id": "cert-2"})),
            Record(text()),
            Record(text(id="a-3", actor=None)),
            Record(text(id="a-4"), partition=2),
            Record(
                text(
                    id="a-5",
                    action="course.created",
                    object={"kind": "course", "id": "c-1"},
                    attributes={"certificate_expiry": "disabled"},
                )
            ),
        ]
    )


def judge(broker):
    """The counts that are not zero, by topic, and the examples."""
    _, tally = trail.judge(lambda: trail.Trail(broker, CATALOG, SCHEMAS, Limits(), "lms-audit"))
    wrong = {
        topic: {kind: count for kind, count in counts.items() if count and kind != "judged"}
        for topic, counts in tally.topics.items()
    }
    return {topic: counts for topic, counts in wrong.items() if counts}, tally


class Faithful(unittest.TestCase):
    def test_what_a_faithful_product_writes_agrees(self):
        wrong, tally = judge(broker())
        self.assertEqual(wrong, {}, tally.examples)
        judged = {
            topic: tally.topics[topic]["judged"]
            for topic in (EVENTS, RECEIPTS, DEAD_LETTERS, ACTIONS, SETTINGS)
        }
        # Of seven actions, the copy of the re-routed one among them, four are recorded.
        self.assertEqual(judged, {EVENTS: 4, RECEIPTS: 2, DEAD_LETTERS: 1, ACTIONS: 1, SETTINGS: 1})

    def test_what_the_offsets_do_not_cover_is_not_judged(self):
        behind = broker()
        behind.put(ACTIONS, Record(text(id="a-6")))
        self.assertEqual(judge(behind)[0], {})

    def test_a_marker_of_a_replay_stands_for_no_action(self):
        replayed = broker()
        replayed.put(DEAD_LETTERS, Record(None, [("__dlq.replay.of", b"0:0")]))
        self.assertEqual(judge(replayed)[0], {})


class Teeth(unittest.TestCase):
    def check(self, broken, expected, problem=""):
        wrong, tally = judge(broken)
        self.assertEqual(wrong, expected, tally.examples)
        self.assertTrue(any(problem in example["problem"] for example in tally.examples), tally.examples)

    def test_one_left_out_is_lost(self):
        for topic, place, problem in (
            (EVENTS, 1, "partition 0 offset 1, found none"),
            (RECEIPTS, 0, "partition 0 offset 2, found none"),
            (DEAD_LETTERS, 0, "partition 0 offset 3, found none"),
        ):
            broken = broker()
            del broken.logs[topic][place]
            broken.number(topic)
            self.check(broken, {topic: {"lost": 1}}, problem)

    def test_one_written_twice_is_doubled(self):
        for topic in (EVENTS, RECEIPTS, DEAD_LETTERS):
            for place in (1, None):
                broken = broker()
                broken.put(topic, settle(broken.logs[topic][0]), place)
                wrong, tally = judge(broken)
                # Rows may differ beside it, where offsets in the events topic mean other events now.
                self.assertEqual(wrong[topic], {"doubled": 1}, tally.examples)
                self.assertIn("has its outcome already", tally.examples[0]["problem"])

    def test_an_action_with_two_outcomes_is_doubled(self):
        broken = broker()
        receipt = broken.logs[RECEIPTS][0]
        datum = SCHEMAS.read("receipt", receipt.value)
        datum["action"]["offset"] = 0
        value = SCHEMAS.prefix("receipt") + SCHEMAS.writer("receipt")(datum)
        broken.put(RECEIPTS, settle(receipt, value=value), 0)
        self.check(
            broken, {RECEIPTS: {"doubled": 1}}, "offset 0 has its outcome already, in lms.audit.events.v1"
        )

    def test_one_behind_its_time_is_out_of_order(self):
        broken = broker()
        log = broken.logs[EVENTS]
        log[0], log[1] = log[1], log[0]
        broken.number(EVENTS)
        self.check(broken, {EVENTS: {"out_of_order": 1}}, "behind records of later actions")

    def test_one_of_an_action_beyond_the_offset_will_be_doubled(self):
        broken = broker()
        broken.put(ACTIONS, Record(text(id="a-6")))
        event = broken.logs[EVENTS][-1]
        datum = SCHEMAS.read("audit-event", event.value)
        datum["provenance"]["offset"] = broken.ends["normalizer"][0]
        value = SCHEMAS.prefix("audit-event") + SCHEMAS.writer("audit-event")(datum)
        broken.put(EVENTS, settle(event, value=value))
        self.check(broken, {EVENTS: {"doubled": 1}}, "lies beyond the committed offset")

    def test_every_part_of_a_record_is_looked_at(self):
        for topic, changed, problem in (
            (EVENTS, {"key": b"other"}, "key"),
            (EVENTS, {"timestamp": NOW + 1}, "timestamp"),
            (EVENTS, {"headers": []}, "headers"),
            (RECEIPTS, {"headers": [("h", b"1")]}, "headers"),
            (DEAD_LETTERS, {"value": b"cut"}, "value"),
            (DEAD_LETTERS, {"headers": []}, "it says of no action"),
            (ACTIVITY, {"timestamp": NOW + 1}, "timestamp"),
            (SETTINGS, {"timestamp": NOW + 1}, "timestamp"),
            (REGISTER, {"value": None}, "found it removed"),
        ):
            broken = broker()
            broken.logs[topic][0] = settle(broken.logs[topic][0], **changed)
            expected = {"differing": 1, "lost": 1} if problem == "it says of no action" else {"differing": 1}
            self.check(broken, {topic: expected}, problem)

    def test_a_row_that_counts_one_more_differs(self):
        broken = broker()
        place = broken.of_key(ACTIVITY, "acme//CertificateIssued/hour/2026-11-02T09")
        row = broken.logs[ACTIVITY][place]
        datum = SCHEMAS.read("activity", row.value)
        datum["count"] += 1
        value = SCHEMAS.prefix("activity") + SCHEMAS.writer("activity")(datum)
        broken.put(ACTIVITY, settle(row, value=value))
        self.check(broken, {ACTIVITY: {"differing": 1}}, "count: expected 3, found 4")

    def test_a_row_in_another_partition_is_not_in_its_own(self):
        broken = broker()
        broken.logs[REGISTER][0] = settle(broken.logs[REGISTER][0], partition=2)
        self.check(broken, {REGISTER: {"lost": 1, "differing": 1}}, "expected none")

    def test_a_re_routed_action_must_lie_there_once_and_unchanged(self):
        broken = broker()
        place = next(place for place, record in enumerate(broken.logs[ACTIONS]) if record.headers)
        copy = broken.logs[ACTIONS][place]
        changed = broker()
        changed.logs[ACTIONS][place] = settle(copy, headers=[("new", b"1"), *copy.headers])
        self.check(changed, {ACTIONS: {"differing": 1}}, "headers")
        broken.put(ACTIONS, settle(copy))
        self.check(broken, {ACTIONS: {"doubled": 1}}, "re-routed already")

    def test_coverage_must_say_what_the_group_committed(self):
        broken = broker()
        broken.ends["normalizer"][1] += 1
        self.check(broken, {LEDGER: {"differing": 1}}, "next_offset: expected 1, found 0")
        broken = broker()
        del broken.logs[LEDGER][broken.of_key(LEDGER, "~coverage/aggregator/0")]
        self.check(broken, {LEDGER: {"lost": 1}}, "there is no coverage")


if __name__ == "__main__":
    unittest.main()
