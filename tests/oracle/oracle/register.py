"""The registers: the state of each subject by the register's order, and what purges leave of a learner."""

from .catalog import PURGES
from .keys import register_key
from .settings import order_key, order_of

_PURGE, _CATALOG_PURGE = PURGES
_PURGE_HOME = "user-status"


class Row:
    """The state of one subject."""

    __slots__ = (
        "by",
        "catalog",
        "catalog_set",
        "counts",
        "first",
        "last",
        "received_at",
        "since",
        "status",
        "status_set",
    )

    def __init__(self, order, received_at):
        self.status = self.since = self.by = self.catalog = self.status_set = self.catalog_set = None
        self.counts, self.first, self.last, self.received_at = {}, order, order, received_at


class Register:
    """The rows of all registers."""

    def __init__(self, catalog):
        self.catalog = catalog
        # By home category, then by tenant, kind, user and things.
        self.rows = {category: {} for category in catalog.categories}
        # The received_at of the purge that removed a row.
        self.removed = {category: {} for category in catalog.categories}
        # The learner records of each tenant's users, as home and key.
        self._records = {}

    def fold(self, event):
        """Folds one event into the row of its subject; a purge then into the rows it reaches."""
        raw, entry = event.raw, event.entry
        order = order_of(raw, event.event_id, event.digest)
        user, things = _subject(raw, entry)
        if entry.is_record and self._is_guarded(raw.tenant, user, event.catalog, order):
            return
        key = (raw.tenant, entry.kind, user, things)
        rows = self.rows[entry.home]
        row = rows.get(key)
        if row is None:
            row = rows[key] = Row(order, event.received_at)
            self.removed[entry.home].pop(key, None)
            if entry.is_record:
                self._records.setdefault((raw.tenant, user), set()).add((entry.home, key))
        self._add(row, event, order)
        if entry.home == _PURGE_HOME and entry.kind in PURGES:
            reached = None if entry.kind == _PURGE else things[0][1]
            self._purge(raw.tenant, user, reached, order, event.received_at)

    def expected(self, category):
        """Key, tenant, timestamp and datum of each row of a register; no datum where a purge removed it."""
        for (tenant, kind, user, things), row in self.rows[category].items():
            datum = {
                "tenant": tenant,
                "kind": kind,
                "user": user,
                "objects": [{"kind": kind, "id": name} for kind, name in things],
                "status": row.status,
                "since": row.since,
                "by": row.by,
                "catalog": row.catalog,
                "by_event_type": dict(sorted(row.counts.items())),
                "first": order_key(row.first),
                "last": order_key(row.last),
                "status_set": row.status_set and order_key(row.status_set),
                "catalog_set": row.catalog_set and order_key(row.catalog_set),
                "received_at": row.received_at,
            }
            yield register_key(tenant, kind, user, things), tenant, row.received_at // 1000, datum
        for key, received_at in self.removed[category].items():
            yield register_key(*key), key[0], received_at // 1000, None

    def _add(self, row, event, order):
        raw, status = event.raw, event.entry.status
        row.first, row.last = min(row.first, order), max(row.last, order)
        if status is not None and (row.status_set is None or row.status_set < order):
            row.status, row.since, row.status_set = status, raw.occurred_at, order
            row.by = {"kind": raw.actor["kind"], "id": raw.actor["id"]}
        if event.catalog is not None and (row.catalog_set is None or row.catalog_set < order):
            row.catalog, row.catalog_set = event.catalog, order
        row.counts[event.entry.event_type] = row.counts.get(event.entry.event_type, 0) + 1
        row.received_at = max(row.received_at, event.received_at)

    def _is_guarded(self, tenant, user, catalog, order):
        """Whether a purge lies after this event, of all of the user's records or of this catalog's."""
        purges = [(tenant, _PURGE, user, ())]
        if catalog is not None:
            purges.append((tenant, _CATALOG_PURGE, user, (("catalog", catalog),)))
        rows = (self.rows[_PURGE_HOME].get(key) for key in purges)
        return any(row is not None and order < row.status_set for row in rows)

    def _purge(self, tenant, user, reached, order, received_at):
        records = self._records.get((tenant, user), ())
        for home, key in list(records):
            row = self.rows[home][key]
            if reached is not None and row.catalog != reached:
                continue
            if row.last < order:
                del self.rows[home][key]
                self.removed[home][key] = received_at
                records.remove((home, key))
            elif row.first < order:
                self._keep_later(row, home, key[1], order)
                row.received_at = max(row.received_at, received_at)

    def _keep_later(self, row, home, kind, purge):
        """Leaves of a row that spans a purge what is later; the counts restart with the last event.

        The row does not hold its last event's type, so it counts only where one type alone fits.
        """
        effect = row.status if row.status_set == row.last else None
        fitting = {
            entry.event_type
            for entry in self.catalog.of_kind(home, kind)
            if entry.status == effect and entry.event_type in row.counts
        }
        row.counts = dict.fromkeys(fitting, 1) if len(fitting) == 1 else {}
        row.first = row.last
        if row.status_set is not None and row.status_set < purge:
            row.status = row.since = row.by = row.status_set = None
        if row.catalog_set is not None and row.catalog_set < purge:
            row.catalog = row.catalog_set = None


def _subject(raw, entry):
    """User and things that the catalog makes an event's subject of, in its order."""
    user, things = None, []
    for part in entry.parts:
        if part == "user":
            user = raw.user["id"]
        elif part == "object":
            things.append((raw.object["kind"], raw.object["id"]))
        else:
            kind = part.removeprefix("within.")
            things.append((kind, next(thing["id"] for thing in raw.within if thing["kind"] == kind)))
    return user, tuple(things)
