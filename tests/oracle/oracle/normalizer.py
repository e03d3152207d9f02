"""What becomes of each action, in the order of its partition: event, dead letter, receipt or re-routing."""

import hashlib

from . import reading, rules
from .keys import partition_of
from .ledger import Ledger
from .rules import Rejected
from .settings import Settings
from .times import HOUR

REROUTE = "__lms.reroute"
# Bytes that key and headers may have together, that an oversized value keeps, and that a key keeps then.
REST_LIMIT, KEPT_VALUE, KEPT_KEY = 32 * 1024, 64 * 1024, 4 * 1024
# What re-routing may have added to key and headers.
REROUTING = 256


class Limits:
    """What may be configured of the rules."""

    def __init__(self, value_bytes=1 << 20, window=35 * 24 * HOUR):
        self.value_bytes, self.window = value_bytes, window


class Verdict:
    """What becomes of one action: `outcome`, and what there is to say of it."""

    __slots__ = (
        "catalog",
        "digest",
        "entry",
        "event_id",
        "field",
        "outcome",
        "raw",
        "reason",
        "received_at",
        "tenant",
        "to",
    )

    def __init__(self, outcome, **said):
        self.outcome = outcome
        for name, value in said.items():
            setattr(self, name, value)


class Normalizer:
    """Judges the actions of all partitions; within a partition they must come in order."""

    def __init__(self, catalog, schemas, partitions, limits=None):
        self.catalog, self.schemas, self.partitions = catalog, schemas, partitions
        self.limits = limits or Limits()
        self.ledger, self.settings = Ledger(), Settings()
        self._seen, self._latest = {}, {}

    def judge(self, action):
        """The verdict on a record of the actions topic; counts it in the ledger where it stays."""
        partition, received_at = action.partition, action.timestamp * 1000
        latest = self._latest[partition] = max(received_at, self._latest.get(partition, received_at))
        moved = moved_from(action.headers)
        if is_oversized(action, self.limits, moved is not None):
            return self._dead(action, None, None, "oversized", None)
        try:
            raw = reading.read(action.value, action.headers, self.schemas)
        except reading.Malformed:
            return self._dead(action, None, None, "malformed", None)
        except reading.UnknownSchema:
            return self._dead(action, None, None, "unknown_schema", None)
        tenant = rules.tenant_of(raw)
        if tenant is not None:
            home = partition_of(tenant, self.partitions)
            if home != partition:
                if moved is not None and moved[2] == self.partitions:
                    return self._dead(action, None, None, "misrouted", "tenant")
                return Verdict("rerouted", tenant=tenant, to=home)
        source = rules.source_of(raw) if tenant is not None else None
        try:
            entry = rules.validate(raw, tenant, self.catalog, received_at)
        except Rejected as rejected:
            return self._dead(action, tenant, source, rejected.reason, rejected.field, raw.sequence)
        return self._admit(action, raw, entry, received_at, latest)

    def _admit(self, action, raw, entry, received_at, latest):
        """Judges a valid action by what came before it."""
        digest, identity = rules.digest(raw), rules.identity(raw.tenant, raw.source, raw.id)
        window, seen = self.limits.window, self._seen.get(identity[:16])
        if seen is not None and seen[0] >= latest - window - HOUR and abs(received_at - seen[0]) < window:
            if seen[1] != digest:
                return self._dead(action, raw.tenant, raw.source, "conflicting_duplicate", "id", raw.sequence)
            outcome = "duplicate"
        else:
            self._seen[identity[:16]] = (received_at, digest)
            outcome = "suppressed" if self.settings.suppress(raw, entry) else "recorded"
        event_id = rules.event_id(raw.occurred_at, identity)
        if outcome == "recorded":
            self.settings.learn(raw, digest, event_id, received_at)
        self.ledger.count(action, raw.tenant, raw.source, outcome, raw.sequence)
        return Verdict(
            outcome,
            raw=raw,
            entry=entry,
            tenant=raw.tenant,
            digest=digest,
            event_id=event_id,
            received_at=received_at,
            catalog=rules.catalog_of(raw.object, raw.within),
        )

    def _dead(self, action, tenant, source, reason, field, sequence=None):
        self.ledger.count(action, tenant, source, "dead_lettered", sequence)
        return Verdict("dead_lettered", tenant=tenant, reason=reason, field=field)


def moved_from(headers):
    """What the last re-route header says: partition, offset and count of partitions.

    None where there is none, or one that cannot be ours.
    """
    said = dict(headers).get(REROUTE) if headers else None
    parts = said.split(b"/") if said else ()
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    partition, offset, count = map(int, parts)
    return (partition, offset, count) if count else None


def is_oversized(action, limits, moved):
    """Whether an action is too large to be looked into."""
    if action.value is not None and len(action.value) > limits.value_bytes:
        return True
    if not action.headers and len(action.key or b"") <= REST_LIMIT:
        return False
    return _rest(action) > REST_LIMIT + (REROUTING if moved else 0)


def kept(action, limits):
    """Key, value, headers and facts that the dead letter of an oversized action keeps."""
    key, value, headers, facts, cut = action.key, action.value, list(action.headers or ()), {}, []
    most = min(KEPT_VALUE, limits.value_bytes)
    if value is not None:
        facts["__dlq.oversized.size"] = str(len(value))
        facts["__dlq.oversized.sha256"] = hashlib.sha256(value).hexdigest()
        if len(value) > most:
            cut.append("value")
            value = value[:most]
    if _rest(action) > REST_LIMIT:
        if key is not None and len(key) > KEPT_KEY:
            facts["__dlq.oversized.key_size"] = str(len(key))
            cut.append("key")
            key = key[:KEPT_KEY]
        room, fitting = REST_LIMIT - len(key or b""), []
        for header in headers:
            if _size(header) <= room:
                room -= _size(header)
                fitting.append(header)
        if len(fitting) < len(headers):
            facts["__dlq.oversized.headers_size"] = f"{len(headers)}/{sum(map(_size, headers))}"
            cut.append("headers")
            headers = fitting
    facts["__dlq.oversized.cut"] = ",".join(cut)
    return key, value, headers, facts


def _rest(action):
    return len(action.key or b"") + sum(map(_size, action.headers or ()))


def _size(header):
    """Bytes of a header: name, value and two lengths."""
    return len(header[0].encode()) + len(header[1] or b"") + 2
