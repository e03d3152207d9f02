"""The windowed views: activity by hour and day, actors by day; windows go by when things happened."""

from . import sketch
from .keys import activity_key, actors_key
from .times import DAY, HOUR

# An event so long after its row was last touched starts the row anew, marked; and after so long a row is
# gone as its topic has it. Both by received_at.
RESTART_AFTER, CLEARED_AFTER = 400 * DAY, 430 * DAY


class Row:
    """What windowed rows count."""

    __slots__ = ("count", "counts", "first_at", "last_at", "received_at", "restarted", "sketch")

    def __init__(self, occurred_at, received_at, restarted):
        self.count, self.counts, self.restarted = 0, {}, restarted
        self.first_at = self.last_at = occurred_at
        self.received_at, self.sketch = received_at, None

    def add(self, name, occurred_at, received_at):
        """Counts one event under a name."""
        self.count += 1
        self.counts[name] = self.counts.get(name, 0) + 1
        if occurred_at < self.first_at:
            self.first_at = occurred_at
        elif occurred_at > self.last_at:
            self.last_at = occurred_at
        if received_at > self.received_at:
            self.received_at = received_at


class Views:
    """The rows of both windowed views of every category."""

    def __init__(self):
        # By category, then by what the key says.
        self.activity, self.actors = {}, {}
        self._latest = {}

    def fold(self, event, partition):
        """Folds one event, whose partition's clock is the greatest received_at so far."""
        received_at = event.received_at
        latest = self._latest[partition] = max(received_at, self._latest.get(partition, received_at))
        entry, raw, at = event.entry, event.raw, event.raw.occurred_at
        rows = self.activity.setdefault(entry.category, {})
        for window, length in (("hour", HOUR), ("day", DAY)):
            key = (raw.tenant, event.catalog, entry.event_type, window, at - at % length)
            row = self._row(rows, key, at, received_at, latest)
            row.add(entry.action, at, received_at)
            if raw.user is not None:
                if row.sketch is None:
                    row.sketch = sketch.empty()
                row.sketch.update(raw.user["id"])
        actor = raw.actor
        rows = self.actors.setdefault(entry.category, {})
        key = (raw.tenant, actor["kind"], actor["id"], at - at % DAY)
        self._row(rows, key, at, received_at, latest).add(entry.event_type, at, received_at)

    def expected_activity(self, category):
        """Key, tenant, timestamp and datum of each activity row of a category."""
        for key, row in self.activity.get(category, {}).items():
            tenant, catalog, event_type, window, start = key
            data, estimate = sketch.EMPTY if row.sketch is None else sketch.canonical(row.sketch)
            datum = {
                "tenant": tenant,
                "catalog": catalog,
                "event_type": event_type,
                "window": window,
                "start": start,
                "count": row.count,
                "by_action": dict(sorted(row.counts.items())),
                "first_at": row.first_at,
                "last_at": row.last_at,
                "distinct_users": estimate,
                "users_sketch": data,
                "restarted": row.restarted,
                "received_at": row.received_at,
            }
            yield activity_key(*key), tenant, row.received_at // 1000, datum

    def expected_actors(self, category):
        """Key, tenant, timestamp and datum of each actors row of a category."""
        for key, row in self.actors.get(category, {}).items():
            tenant, kind, actor_id, day = key
            datum = {
                "tenant": tenant,
                "actor": {"kind": kind, "id": actor_id},
                "day": day,
                "count": row.count,
                "by_event_type": dict(sorted(row.counts.items())),
                "first_at": row.first_at,
                "last_at": row.last_at,
                "restarted": row.restarted,
                "received_at": row.received_at,
            }
            yield actors_key(*key), tenant, row.received_at // 1000, datum

    @staticmethod
    def _row(rows, key, at, received_at, latest):
        row = rows.get(key)
        if row is not None and latest - row.received_at <= CLEARED_AFTER:
            if received_at - row.received_at <= RESTART_AFTER:
                return row
            restarted = True
        else:
            restarted = False
        row = rows[key] = Row(at, received_at, restarted)
        return row
