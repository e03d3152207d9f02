"""Compares rows: the last record of each key of a topic with the row that must be there."""

from .schemas import Undecodable
from .tally import differences


class Rows:
    """The last record of each key of one topic, and how it compares."""

    def __init__(self, topic, schema, schemas, tally):
        self.topic, self.tally = topic, tally
        self._schema, self._schemas = schema, schemas
        self._encode, self._prefix = schemas.writer(schema), schemas.prefix(schema)
        self.found = {}

    def saw(self, record):
        """A record of the topic, in the order of its partition; a key in two partitions is found in both."""
        self.found[record.key, record.partition] = record

    def expect(self, key, partition, timestamp, datum):
        """The row of this key must be this one; no datum stands for a row that was removed."""
        self.tally.judged(self.topic)
        key = key.encode()
        found = self.found.pop((key, partition), None)
        if found is None:
            # A tombstone may have been compacted away with what it removed.
            if datum is not None:
                problem = "expected a row, found none"
                self.tally.add("lost", self.topic, partition, None, key, problem)
        elif datum is None or found.value is None:
            self._tombstone(found, key, timestamp, datum)
        elif (
            found.timestamp != timestamp or found.headers or found.value != self._prefix + self._encode(datum)
        ):
            self._differing(found, key, timestamp, datum)

    def finish(self):
        """Names the rows that were found and not expected."""
        for (key, partition), record in self.found.items():
            if record.value is not None:
                self.tally.add(
                    "differing", self.topic, partition, record.offset, key, "found a row, expected none"
                )

    def read(self, record):
        """The row in a record; raises Undecodable."""
        return self._schemas.read(self._schema, record.value)

    def _tombstone(self, found, key, timestamp, datum):
        if datum is not None:
            problem = "expected a row, found it removed"
        elif found.value is not None:
            problem = "expected it removed, found a row"
        elif found.timestamp != timestamp:
            problem = f"timestamp: expected {timestamp}, found {found.timestamp}"
        else:
            return
        self.tally.add("differing", self.topic, found.partition, found.offset, key, problem)

    def _differing(self, found, key, timestamp, datum):
        said = differences(timestamp, found.timestamp, "timestamp")
        if found.headers:
            said.append("headers: expected none")
        try:
            said += differences(datum, self.read(found))
        except Undecodable as error:
            said.append(str(error))
        # Where the bytes alone differ, such as by another framing, the row is the same.
        if said:
            self.tally.add("differing", self.topic, found.partition, found.offset, key, "; ".join(said[:8]))
