"""Compares what was found in the events, receipts and dead letters of one partition with what must be
there: record for record and in the actions' order, as the expected records are made.
"""

import collections

from .schemas import Undecodable
from .tally import shown

EVENT, RECEIPT, DEAD_LETTER = 1, 2, 3


class Stream:
    """One output topic of one partition: what was found in it, and how far it agreed."""

    def __init__(self, topic, code, place_of, schemas, tally):
        self.topic, self.code, self.tally = topic, code, tally
        self.found = collections.deque()
        # Expected records that were not at their place, by partition and offset of their action.
        self.lost = {}
        # Records found that nothing at their place expected.
        self.surplus = []
        self._place_of, self._schemas = place_of, schemas

    def expect(self, action, expected):
        """The next record that must be there is this one, made of this action."""
        self.tally.judged(self.topic)
        while self.found:
            head = self.found[0]
            if expected.is_met(head):
                self.found.popleft()
                return
            at = self.place(head)
            if at == (action.partition, action.offset):
                self.found.popleft()
                self._differing(expected, head)
                return
            if at is not None and at[0] == action.partition and at[1] > action.offset:
                break
            self.surplus.append(self.found.popleft())
        self.lost[action.partition, action.offset] = expected

    def place(self, record):
        """Partition and offset of the action that a record says it was made of; None where it says none."""
        try:
            return self._place_of(record)
        except (Undecodable, ValueError, KeyError, TypeError):
            return None

    def _differing(self, expected, found, said=()):
        try:
            said = [*said, *expected.differences(found, self._schemas)]
        except Undecodable as error:
            said = [*said, str(error)]
        if said:
            self.tally.add(
                "differing", self.topic, found.partition, found.offset, found.key, "; ".join(said[:8])
            )


class Partitions:
    """The three streams of every partition, and what each action's outcome must be."""

    def __init__(self, streams, committed, tally):
        # By partition: the streams by their code.
        self.streams, self.committed, self.tally = streams, committed, tally
        # By partition: the code of the stream that an action's outcome lies in, by offset.
        self._outcomes = [{} for _ in streams]

    def expect(self, code, action, expected):
        """An action's outcome is this record of this stream."""
        self._outcomes[action.partition][action.offset] = code
        self.streams[action.partition][code].expect(action, expected)

    def finish(self):
        """Names what was found and not expected, and then what was expected and not found."""
        every = [stream for streams in self.streams for stream in streams.values()]
        for stream in every:
            for record in [*stream.surplus, *stream.found]:
                self._surplus(stream, record)
        for stream in every:
            for (partition, offset), expected in sorted(stream.lost.items(), key=lambda item: item[0]):
                problem = f"expected one of the action at partition {partition} offset {offset}, found none"
                self.tally.add("lost", stream.topic, partition, None, expected.key, problem)

    def _surplus(self, stream, record):
        at = stream.place(record)
        add = lambda kind, problem: self.tally.add(
            kind, stream.topic, record.partition, record.offset, record.key, problem
        )
        if at is None:
            return add("differing", "it says of no action that it was made of it")
        where = f"the action at partition {at[0]} offset {at[1]}"
        if not 0 <= at[0] < len(self.streams):
            return add("differing", f"{where}: there is no such partition")
        if at[1] >= self.committed[at[0]]:
            return add(
                "doubled",
                f"{where} lies beyond the committed offset {self.committed[at[0]]}: it will be made again",
            )
        code = self._outcomes[at[0]].get(at[1])
        if code is None:
            return add("differing", f"{where}: no action lies there")
        rightful = self.streams[at[0]][code]
        expected = rightful.lost.pop(at, None)
        if expected is None:
            return add("doubled", f"{where} has its outcome already, in {rightful.topic}")
        if rightful is stream:
            return self._late(stream, record, expected, where)
        return add(
            "differing",
            f"{where}: expected in {rightful.topic} partition {at[0]}, with key {shown(expected.key)}",
        )

    def _late(self, stream, record, expected, where):
        self.tally.add(
            "out_of_order",
            stream.topic,
            record.partition,
            record.offset,
            record.key,
            f"{where}: found behind records of later actions",
        )
        if not expected.is_met(record):
            stream._differing(expected, record)
