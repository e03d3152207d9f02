"""What Kafka says: committed offsets, ends, ids, and what a read_committed consumer sees of a topic."""

import sys
import time
import uuid

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

REQUEST_SECONDS = 30
# A transaction that a dead process left open hides what follows it until its time is over.
STUCK_SECONDS = 150
# A batch is waited for until it is full, or so long.
_BATCH, _WAIT_SECONDS = 2_000, 0.02
# Errors that end by themselves while brokers come back.
_PASSING = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT)


class Unreachable(Exception):
    """Kafka cannot be reached, or does not go on."""


class Record:
    """One record as the consumer saw it; the timestamp in milliseconds."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "value")

    def __init__(self, message):
        self.partition, self.offset, self.timestamp = (
            message.partition(),
            message.offset(),
            message.timestamp()[1],
        )
        self.key, self.value = message.key(), message.value()
        headers = message.headers()
        # Names come over and over; one copy of each will do.
        self.headers = headers and [(sys.intern(name), value) for name, value in headers]


class Broker:
    """A cluster, read only: nothing is written, no offset is committed."""

    def __init__(self, servers, properties):
        self._common = {"bootstrap.servers": servers, "error_cb": self._error, "log_level": 2, **properties}
        self._admin = AdminClient(self._common)
        self._consumer = Consumer(
            {
                **self._common,
                "group.id": f"oracle-{uuid.uuid4()}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "check.crcs": True,
                "queued.max.messages.kbytes": 65_536,
                # The end of a partition is told by a fetch that finds nothing; it need not wait for more.
                "fetch.wait.max.ms": 10,
                "fetch.queue.backoff.ms": 2,
            }
        )
        self._last_error = None

    def cluster_id(self):
        """The cluster's id."""
        return _result(self._admin.describe_cluster(request_timeout=REQUEST_SECONDS)).cluster_id

    def topics(self):
        """The count of partitions of every topic."""
        try:
            found = self._admin.list_topics(timeout=REQUEST_SECONDS).topics
        except KafkaException as error:
            raise self._unreachable("topics cannot be listed", error) from error
        return {name: len(topic.partitions) for name, topic in found.items()}

    def topic_ids(self, names):
        """The id of each topic, as Kafka writes it."""
        futures = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_SECONDS)
        return {name: str(_result(future).topic_id) for name, future in futures.items()}

    def committed(self, group, topic, partitions):
        """The group's committed offset in each partition, None where there is none.

        It waits until open transactions that commit offsets are over.
        """
        consumer = Consumer({**self._common, "group.id": group, "isolation.level": "read_committed"})
        try:
            asked = [TopicPartition(topic, partition) for partition in range(partitions)]
            found = consumer.committed(asked, timeout=STUCK_SECONDS)
        except KafkaException as error:
            raise self._unreachable(f"committed offsets of group {group} cannot be read", error) from error
        finally:
            consumer.close()
        return [tp.offset if tp.offset >= 0 else None for tp in found]

    def extents(self, counts):
        """First offset and high watermark of every partition of these topics, open transactions included."""
        asked = [TopicPartition(topic, p) for topic, count in counts.items() for p in range(count)]
        said = []
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):
            futures = self._admin.list_offsets(
                dict.fromkeys(asked, spec),
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=REQUEST_SECONDS,
            )
            said.append({(tp.topic, tp.partition): _result(future).offset for tp, future in futures.items()})
        return {place: (first, said[1][place]) for place, first in said[0].items()}

    def read(self, extents, progress=""):
        """Every record a read_committed consumer sees up to these ends, in order within each partition.

        Yields the topic and the record. Ends are high watermarks, so that nothing committed is missed.
        """
        open_ends = {place: end for place, (first, end) in extents.items() if first < end}
        ends = dict(open_ends)
        self._consumer.assign([TopicPartition(*place, extents[place][0]) for place in open_ends])
        since = said = time.monotonic()
        count = 0
        while open_ends:
            messages = self._consumer.consume(_BATCH, timeout=_WAIT_SECONDS)
            now = time.monotonic()
            if messages:
                since = now
            elif now - since > STUCK_SECONDS:
                raise self._stuck(open_ends)
            for message in messages:
                place = message.topic(), message.partition()
                error, offset = message.error(), message.offset()
                if error is None:
                    # What came after the ends were asked for is not judged.
                    if offset < ends[place]:
                        count += 1
                        yield place[0], Record(message)
                    reached = offset + 1 >= ends[place]
                elif error.code() == KafkaError._PARTITION_EOF:
                    reached = offset >= ends.get(place, 1 << 63)
                elif error.retriable() or error.code() in _PASSING:
                    continue
                else:
                    raise self._unreachable(f"{place[0]} partition {place[1]} cannot be read", error)
                if reached and open_ends.pop(place, None) is not None:
                    self._consumer.incremental_unassign([TopicPartition(*place)])
            if progress and now - said > 2:
                said = now
                print(f"oracle: {progress}: {count} records", file=sys.stderr)

    def close(self):
        """Leaves the cluster."""
        self._consumer.close()

    def _error(self, error):
        self._last_error = error

    def _unreachable(self, what, error):
        last = f"; last heard: {self._last_error}" if self._last_error is not None else ""
        return Unreachable(f"{what}: {error}{last}")

    def _stuck(self, open_ends):
        (topic, partition), end = next(iter(open_ends.items()))
        return self._unreachable(
            f"{topic} partition {partition} does not go on before offset {end}",
            "a transaction is open there; wait until it times out, or start the process that left it",
        )


def _result(future):
    try:
        return future.result()
    except KafkaException as error:
        raise Unreachable(f"kafka did not answer: {error}") from error
