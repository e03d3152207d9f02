"""A broker in memory that holds what a faithful product would have written for some actions, so that a
test can take something out, put something in, or change it, and see that the oracle names it.
"""

from types import SimpleNamespace

from oracle.keys import partition_of
from oracle.normalizer import Limits, Normalizer
from oracle.outputs import Outputs
from oracle.register import Register
from oracle.trail import ACTIONS, DEAD_LETTERS, EVENTS, LEDGER, RECEIPTS, SETTINGS, STAGES, report
from oracle.views import Views

from .support import CATALOG, SCHEMAS, Record

TOPICS = {"recorded": EVENTS, "dead_lettered": DEAD_LETTERS}


class Broker:
    """Records by topic, and the offsets that the two groups committed."""

    def __init__(self, actions, partitions=3):
        self.partitions = partitions
        self.logs = {topic: [] for topic in (ACTIONS, EVENTS, RECEIPTS, DEAD_LETTERS, LEDGER, SETTINGS)}
        for category in CATALOG.categories:
            self.logs.update((report(category, view), []) for view in ("activity", "actors", "register"))
        for action in actions:
            self.put(ACTIONS, action)
        self.ends = {stage: [0] * partitions for stage in STAGES}
        self._process()

    def put(self, topic, record, place=None):
        """Appends a record to its partition, or puts it in this place of the topic's records."""
        log = self.logs[topic]
        log.insert(len(log) if place is None else place, record)
        self.number(topic)
        return record

    def number(self, topic):
        """Gives the records of a topic the offsets of their places."""
        nexts = [0] * self.partitions
        for record in self.logs[topic]:
            record.offset = nexts[record.partition]
            nexts[record.partition] += 1

    def of_key(self, topic, key):
        """The place of the one record of this key."""
        (place,) = [place for place, record in enumerate(self.logs[topic]) if record.key == key.encode()]
        return place

    # What the oracle asks of a broker.

    def topics(self):
        return dict.fromkeys(self.logs, self.partitions)

    def cluster_id(self):
        return "cluster"

    def topic_ids(self, names):
        return {name: f"id of {name}" for name in names}

    def committed(self, group, _topic, _partitions):
        return list(self.ends[group.removeprefix("lms-audit-")])

    def extents(self, counts):
        return {
            (topic, p): (0, len([r for r in self.logs[topic] if r.partition == p]))
            for topic in counts
            for p in range(self.partitions)
        }

    def read(self, extents, _progress):
        for topic in dict.fromkeys(topic for topic, _ in extents):
            for record in list(self.logs[topic]):
                yield topic, record

    def _process(self):
        """Writes what a faithful product would."""
        normalizer, views, register = (
            Normalizer(CATALOG, SCHEMAS, self.partitions),
            Views(),
            Register(CATALOG),
        )
        makes, last = (
            Outputs(SCHEMAS, ACTIONS, Limits()),
            {stage: [None] * self.partitions for stage in STAGES},
        )
        for action in self.logs[ACTIONS]:
            verdict = normalizer.judge(action)
            self.ends["normalizer"][action.partition] += 1
            last["normalizer"][action.partition] = action.timestamp
            if verdict.outcome == "dead_lettered":
                self.put(DEAD_LETTERS, self._dead_letter(action, verdict))
                continue
            made = (
                makes.event(action, verdict)
                if verdict.outcome == "recorded"
                else makes.receipt(action, verdict)
            )
            topic = TOPICS.get(verdict.outcome, RECEIPTS)
            self.put(topic, Record(made.value, made.headers, made.key, action.partition, 0, action.timestamp))
            if verdict.outcome == "recorded":
                views.fold(verdict, action.partition)
                register.fold(verdict)
                last["aggregator"][action.partition] = action.timestamp
                self.ends["aggregator"][action.partition] += 1
            if verdict.outcome == "rerouted":
                moved = f"{action.partition}/{action.offset}/{self.partitions}".encode()
                headers = [*(action.headers or ()), ("__lms.reroute", moved)]
                self.put(
                    ACTIONS,
                    Record(action.value, headers, verdict.tenant.encode(), verdict.to, 0, action.timestamp),
                )
        self._rows(SETTINGS, "setting", normalizer.settings.expected())
        for category in CATALOG.categories:
            self._rows(report(category, "activity"), "activity", views.expected_activity(category))
            self._rows(report(category, "actors"), "actors", views.expected_actors(category))
            self._rows(report(category, "register"), "register", register.expected(category))
        parts = ("account", "coverage", "sequence")
        for key, partition, timestamp, part, datum in normalizer.ledger.expected(self.partitions):
            self._row(LEDGER, "ledger", key, partition, timestamp, dict.fromkeys(parts) | {part: datum})
        for stage, topic in STAGES.items():
            for partition, offset in enumerate(self.ends[stage]):
                read_at = last[stage][partition]
                coverage = {
                    "stage": stage,
                    "partition": partition,
                    "next_offset": offset,
                    "last_read_at": None if read_at is None else read_at * 1000,
                    "cluster_id": "cluster",
                    "topic_id": f"id of {topic}",
                    "expired": 0,
                    "committed_at": 7_000,
                }
                datum = dict.fromkeys(parts) | {"coverage": coverage}
                self._row(LEDGER, "ledger", f"~coverage/{stage}/{partition}", partition, 7, datum)

    def _dead_letter(self, action, verdict):
        said = {
            "topic": ACTIONS,
            "partition": action.partition,
            "offset": action.offset,
            "reason": verdict.reason,
            "message": f"{verdict.field}: why",
            "stage": "normalizer",
            "timestamp": action.timestamp,
        }
        headers = [
            *(action.headers or ()),
            *((f"__dlq.errors.{name}", str(value).encode()) for name, value in said.items()),
        ]
        return Record(action.value, headers, action.key, action.partition, 0, action.timestamp)

    def _rows(self, topic, schema, expected):
        for key, tenant, timestamp, datum in expected:
            self._row(topic, schema, key, partition_of(tenant, self.partitions), timestamp, datum)

    def _row(self, topic, schema, key, partition, timestamp, datum):
        value = None if datum is None else SCHEMAS.prefix(schema) + SCHEMAS.writer(schema)(datum)
        self.put(topic, Record(value, None, key.encode(), partition, 0, timestamp))


def settle(record, **changed):
    """A copy of a record with some of it changed."""
    copy = SimpleNamespace(**vars(record))
    vars(copy).update(changed)
    return copy
