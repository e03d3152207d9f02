"""The whole comparison: reads the topics, judges every committed action, compares what it finds."""

import sys

from . import coverage
from .broker import Unreachable
from .keys import partition_of
from .moves import Moves
from .normalizer import Normalizer
from .outputs import Outputs
from .register import Register
from .rows import Rows
from .streams import DEAD_LETTER, EVENT, RECEIPT, Partitions, Stream
from .tally import Tally
from .views import Views

ACTIONS, EVENTS, RECEIPTS = "lms.actions.v1", "lms.audit.events.v1", "lms.audit.receipts.v1"
DEAD_LETTERS, LEDGER, SETTINGS = "lms.audit.dead-letters.v1", "lms.audit.ledger.v1", "lms.audit.settings.v1"
STAGES = {"normalizer": ACTIONS, "aggregator": EVENTS}
_CODES = {EVENTS: EVENT, RECEIPTS: RECEIPT, DEAD_LETTERS: DEAD_LETTER}
# A trail that is being written while it is read is read anew so often.
_ATTEMPTS = 3


class Misuse(Exception):
    """What was asked cannot be judged here."""


class Moving(Exception):
    """Offsets were committed while the topics were read."""


class Trail:
    """One reading of a trail at rest."""

    def __init__(self, broker, catalog, schemas, limits, app, partitions=None):
        self.broker, self.catalog, self.schemas, self.limits, self.app = broker, catalog, schemas, limits, app
        self.inputs = STAGES
        self.tally, self.register, self.views = Tally(), Register(catalog), Views()
        counts = broker.topics()
        reports = [
            report(category, view)
            for category in catalog.categories
            for view in ("activity", "actors", "register")
        ]
        self.topics = {}
        for topic in [ACTIONS, *_CODES, LEDGER, SETTINGS, *reports]:
            if topic not in counts:
                raise Misuse(f"{topic} does not exist; run lms-audit topics apply")
            self.topics[topic] = counts[topic]
        self.partitions = partitions or counts[ACTIONS]
        other = next((topic for topic, count in self.topics.items() if count != self.partitions), None)
        if other is not None:
            raise Misuse(f"{other} has {self.topics[other]} partitions, not {self.partitions}")
        self.normalizer = Normalizer(catalog, schemas, self.partitions, limits)
        # The broker time of the last action and event that each stage's committed offset covers.
        self.last_read = {stage: [None] * self.partitions for stage in STAGES}

    def judge(self):
        """Compares everything; the tally says how it went."""
        self.committed = self._committed()
        self.extents = self.broker.extents(self.topics)
        self._must_rest()
        self._records()
        self._rows()
        self._must_rest()
        return self.tally

    def _committed(self):
        return {
            stage: self.broker.committed(f"{self.app}-{stage}", topic, self.partitions)
            for stage, topic in STAGES.items()
        }

    def _must_rest(self):
        if self._committed() != self.committed:
            raise Moving

    def _read(self, *topics):
        places = {place: extent for place, extent in self.extents.items() if place[0] in topics}
        return self.broker.read(places, topics[0] if len(topics) < 4 else "rows")

    def _records(self):
        """Judges the actions in their order, and folds the events that the aggregator's offsets cover."""
        streams, folded = self._found()
        ends = [offset or 0 for offset in self.committed["normalizer"]]
        outcomes = Partitions(streams, ends, self.tally)
        makes = Outputs(self.schemas, ACTIONS, self.limits)
        moves = Moves(ACTIONS, self.partitions, self.tally)
        self._warn_of_expired()
        for _, action in self._read(ACTIONS):
            moves.saw(action)
            if action.offset >= ends[action.partition]:
                continue
            self.last_read["normalizer"][action.partition] = action.timestamp
            verdict = self.normalizer.judge(action)
            if verdict.outcome == "recorded":
                outcomes.expect(EVENT, action, makes.event(action, verdict))
                if action.offset <= folded[action.partition]:
                    self.last_read["aggregator"][action.partition] = action.timestamp
                    self.views.fold(verdict, action.partition)
                    self.register.fold(verdict)
            elif verdict.outcome == "dead_lettered":
                outcomes.expect(DEAD_LETTER, action, makes.dead_letter(action, verdict))
            else:
                outcomes.expect(RECEIPT, action, makes.receipt(action, verdict))
                if verdict.outcome == "rerouted":
                    moves.expect(action, verdict)
        outcomes.finish()
        moves.finish()

    def _found(self):
        """What lies in events, receipts and dead letters, and up to which action events are folded."""
        places = {EVENTS: self._event_place, RECEIPTS: self._receipt_place, DEAD_LETTERS: _dead_letter_place}
        streams = [
            {
                code: Stream(topic, code, places[topic], self.schemas, self.tally)
                for topic, code in _CODES.items()
            }
            for _ in range(self.partitions)
        ]
        last = [None] * self.partitions
        ends = [offset or 0 for offset in self.committed["aggregator"]]
        for topic, record in self._read(*_CODES):
            if topic == EVENTS and record.offset < ends[record.partition]:
                last[record.partition] = record
            if not self._stands_beside(topic, record):
                streams[record.partition][_CODES[topic]].found.append(record)
        place = [record and streams[p][EVENT].place(record) for p, record in enumerate(last)]
        return streams, [at[1] if at else -1 for at in place]

    def _stands_beside(self, topic, record):
        """Whether a record stands for no action: a range that expired, or a dead letter published again."""
        if topic == RECEIPTS and record.key == b"~expired":
            self.tally.note(
                f"{topic} partition {record.partition} offset {record.offset}: a range expired unread"
            )
            return True
        if topic != DEAD_LETTERS or record.value is not None:
            return False
        names = {name for name, _ in record.headers or ()}
        return "__dlq.replay.of" in names and not any(name.startswith("__dlq.errors.") for name in names)

    def _warn_of_expired(self):
        for (topic, partition), (first, _) in self.extents.items():
            if topic == ACTIONS and first > 0:
                begins = f"{topic} partition {partition} begins at offset {first}"
                self.tally.note(f"{begins}: what became of earlier actions cannot be recomputed")

    def _rows(self):
        """Compares settings, ledger and reports by the last record of each key."""
        views = {"activity": self.views.expected_activity, "actors": self.views.expected_actors}
        views["register"] = self.register.expected
        rows = {SETTINGS: Rows(SETTINGS, "setting", self.schemas, self.tally)}
        rows[LEDGER] = Rows(LEDGER, "ledger", self.schemas, self.tally)
        for category in self.catalog.categories:
            for view in views:
                topic = report(category, view)
                rows[topic] = Rows(topic, view, self.schemas, self.tally)
        # All at once: every new assignment costs a consumer a second.
        for topic, record in self._read(*rows):
            rows[topic].saw(record)
        self._expect(rows.pop(SETTINGS), self.normalizer.settings.expected())
        self._expect_ledger(rows.pop(LEDGER))
        for category in self.catalog.categories:
            for view, expected in views.items():
                self._expect(rows.pop(report(category, view)), expected(category))

    def _expect(self, rows, expected):
        """Compares rows of tenants."""
        for key, tenant, timestamp, datum in expected:
            rows.expect(key, partition_of(tenant, self.partitions), timestamp, datum)
        rows.finish()

    def _expect_ledger(self, rows):
        """Compares the ledger: every record of it has one of several parts."""
        parts = [field["name"] for field in self.schemas.newest["ledger"][2]["fields"]]
        for key, partition, timestamp, part, row in self.normalizer.ledger.expected(self.partitions):
            rows.expect(key, partition, timestamp, dict.fromkeys(parts) | {part: row})
        coverage.judge(self, rows)
        rows.finish()

    def _event_place(self, record):
        provenance = self.schemas.read("audit-event", record.value)["provenance"]
        return provenance["partition"], provenance["offset"]

    def _receipt_place(self, record):
        receipt = self.schemas.read("receipt", record.value)
        place = receipt["action"] or receipt["reroute"]
        return place["partition"], place["offset"]


def judge(make):
    """The tally of a trail at rest; `make` makes a new reading. Raises Unreachable where it never rests."""
    for _ in range(_ATTEMPTS):
        trail = make()
        try:
            return trail, trail.judge()
        except Moving:
            print("oracle: offsets were committed meanwhile: reading anew", file=sys.stderr)
    raise Unreachable("the trail is being written: stop lms-audit run, then judge")


def report(category, view):
    """The topic of a report."""
    return f"lms.audit.reports.{category}.{view}.v1"


def _dead_letter_place(record):
    said = dict(record.headers or ())
    return int(said["__dlq.errors.partition"]), int(said["__dlq.errors.offset"])
