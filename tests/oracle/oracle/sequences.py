"""The sequences of sources: which numbers of a source's own counter were received, and which were not."""

import bisect

from .keys import partition_of, source_key

# So many ranges of missing numbers are listed; what lies below them is a count, and the greatest it can be.
LISTED, MOST = 64, 2**63 - 1


class Row:
    """One source's numbers: its ends, the missing ranges between them ascending, and how many lie below."""

    __slots__ = ("highest", "lowest", "missing", "more", "received_at")

    def __init__(self, number, received_at):
        self.lowest = self.highest = number
        self.missing, self.more, self.received_at = [], 0, received_at

    def take(self, number, received_at):
        """A further number was received; once more changes nothing but the time."""
        self.received_at = max(self.received_at, received_at)
        if number > self.highest:
            if number > self.highest + 1:
                self.missing.append((self.highest + 1, number - 1))
            self.highest = number
        elif number < self.lowest:
            gap, self.lowest = (number + 1, self.lowest - 1), number
            if gap[0] <= gap[1]:
                # It lies below all that is listed: where something was left out before, this is, too.
                if self.more:
                    self._leave_out(gap)
                else:
                    self.missing.insert(0, gap)
        else:
            self._found(number)
        while len(self.missing) > LISTED:
            self._leave_out(self.missing.pop(0))

    def _found(self, number):
        """A number that was missing came late."""
        place = bisect.bisect_right(self.missing, (number, MOST)) - 1
        if place >= 0:
            first, last = self.missing[place]
            if number <= last:
                parts = ((first, number - 1), (number + 1, last))
                self.missing[place : place + 1] = [part for part in parts if part[0] <= part[1]]

    def _leave_out(self, gap):
        self.more = min(MOST, self.more + gap[1] - gap[0] + 1)


class Sequences:
    """The rows of all sources."""

    def __init__(self):
        # By tenant and source.
        self.rows = {}

    def take(self, tenant, source, number, received_at):
        """A number of a source was received."""
        row = self.rows.get((tenant, source))
        if row is None:
            self.rows[tenant, source] = Row(number, received_at)
        else:
            row.take(number, received_at)

    def expected(self, partitions):
        """Key, partition, timestamp, and the name and content of the part of each row."""
        for (tenant, source), row in self.rows.items():
            datum = {
                "tenant": tenant,
                "source": source,
                "lowest": row.lowest,
                "highest": row.highest,
                "missing": [{"from": first, "until": last} for first, last in row.missing],
                "more": row.more,
                "received_at": row.received_at,
            }
            key = source_key(tenant, source, "~sequence")
            yield key, partition_of(tenant, partitions), row.received_at // 1000, "sequence", datum
