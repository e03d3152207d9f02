"""The ledger: what each account received in each hour of broker time, and what became of it."""

from .keys import account_key, partition_of
from .sequences import Sequences
from .times import HOUR

REPLAY = "__lms.replay"
_FIELDS = ("received", "recorded", "duplicate", "suppressed", "dead_lettered", "replayed")
_PLACE = {name: place for place, name in enumerate(_FIELDS)}


class Ledger:
    """The rows of all accounts."""

    def __init__(self):
        # By tenant, source, partition and hour: the counts, then the greatest received_at.
        self.rows, self.sequences = {}, Sequences()

    def count(self, action, tenant, source, outcome, sequence=None):
        """Counts an action that was received; without a valid tenant the partition has an account.

        Its number counts in its source's sequence, whatever became of it.
        """
        received_at = action.timestamp * 1000
        partition = action.partition if tenant is None else None
        key = (tenant, source, partition, received_at - received_at % HOUR)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = [0] * len(_FIELDS) + [received_at]
        row[0] += 1
        row[_PLACE[outcome]] += 1
        if action.headers and any(name == REPLAY for name, _ in action.headers):
            row[_PLACE["replayed"]] += 1
        row[-1] = max(row[-1], received_at)
        if type(sequence) is int and source is not None:
            self.sequences.take(tenant, source, sequence, received_at)

    def expected(self, partitions):
        """Key, partition, timestamp, and the name and content of the part of each row."""
        for (tenant, source, partition, hour), row in self.rows.items():
            account = dict(zip(_FIELDS, row, strict=False))
            account.update(tenant=tenant, source=source, partition=partition, hour=hour, received_at=row[-1])
            home = partition if tenant is None else partition_of(tenant, partitions)
            yield account_key(tenant, source, partition, hour), home, row[-1] // 1000, "account", account
        yield from self.sequences.expected(partitions)
