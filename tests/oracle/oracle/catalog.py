"""The catalog's table, read anew: what each action is, what it needs and which row it keeps."""

import csv

# Registers that hold learner records; a purge of a learner removes their rows of that user.
LEARNER_CATEGORIES = ("course-and-training-plan", "skill", "user-status", "certificate", "user-progress")
# Subjects that record a purge: no purge removes them.
PURGES = ("purge", "catalog_purge")
# The version of the table that audit events name.
VERSION = 1


class Entry:
    """One action of the catalog."""

    __slots__ = (
        "action",
        "activity",
        "category",
        "event_type",
        "home",
        "is_record",
        "kind",
        "objects",
        "parts",
        "status",
        "user",
        "within",
    )

    def __init__(self, row):
        self.category, self.event_type = row["category"], row["event_type"]
        self.action, self.activity = row["action"], row["activity"]
        self.objects, self.within = _kinds(row["object"]), _kinds(row["within"])
        self.user = row["user"] == "required"
        home, kind, parts = _register(row["register"])
        self.home, self.kind, self.parts = home or self.category, kind, parts
        # None leaves the status as it is.
        self.status = None if row["status"] == "=" else row["status"]
        self.is_record = self.home in LEARNER_CATEGORIES and "user" in self.parts and self.kind not in PURGES


class Catalog:
    """All actions, by name."""

    def __init__(self, path):
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            entries = [Entry(row) for row in rows]
        self.actions = {entry.action: entry for entry in entries}
        self.categories = list(dict.fromkeys(entry.category for entry in entries))
        # Of kinds that a register names within, and of catalogs, an action may lie in one alone.
        self.single = {"catalog"}
        self.single.update(
            part.removeprefix("within.")
            for entry in entries
            for part in entry.parts
            if part != part.removeprefix("within.")
        )
        self._kinds = {}
        for entry in entries:
            self._kinds.setdefault((entry.home, entry.kind), []).append(entry)

    def of_kind(self, home, kind):
        """The actions that keep rows of this kind in this register."""
        return self._kinds[home, kind]


def _kinds(cell):
    return () if cell == "-" else tuple(cell.split("|"))


def _register(cell):
    """`[home:]kind(part,…)` as home or None, kind and parts."""
    home, _, rest = cell.rpartition(":")
    kind, _, parts = rest.rstrip(")").partition("(")
    return home or None, kind, tuple(parts.split(","))
