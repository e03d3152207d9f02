"""The records that verdicts must have become, and what differs where another is found in their place."""

from . import catalog
from .normalizer import kept
from .tally import differences, shown
from .times import to_rfc3339

MESSAGE = "__dlq.errors.message"


class Outputs:
    """Makes expected records: key, timestamp, headers and datum for events and receipts."""

    def __init__(self, schemas, actions_topic, limits):
        self.schemas, self.actions_topic, self.limits = schemas, actions_topic, limits
        self._event, self._receipt = schemas.writer("audit-event"), schemas.writer("receipt")
        self._prefixes = {name: schemas.prefix(name) for name in ("audit-event", "receipt")}

    def event(self, action, verdict):
        """The audit event of a recorded action."""
        datum = event_datum(action, verdict)
        value = self._prefixes["audit-event"] + self._event(datum)
        return Expected(
            "audit-event", verdict.tenant.encode(), action.timestamp, _event_headers(action, datum), value
        )

    def receipt(self, action, verdict):
        """The receipt of a duplicate, suppressed or re-routed action."""
        datum = receipt_datum(action, verdict)
        value = self._prefixes["receipt"] + self._receipt(datum)
        return Expected("receipt", verdict.tenant.encode(), action.timestamp, None, value)

    def dead_letter(self, action, verdict):
        """The dead letter of a rejected action."""
        return DeadLetter(self, action, verdict)


class Expected:
    """An expected record of ours."""

    __slots__ = ("headers", "key", "schema", "timestamp", "value")

    def __init__(self, schema, key, timestamp, headers, value):
        self.schema, self.key, self.timestamp, self.headers, self.value = (
            schema,
            key,
            timestamp,
            headers,
            value,
        )

    def is_met(self, found):
        """Whether the record found is it, byte for byte."""
        return (
            self.value == found.value
            and self.timestamp == found.timestamp
            and self.key == found.key
            and self.headers == found.headers
        )

    def differences(self, found, schemas):
        """What differs, field by field; none where only the bytes do, such as another framing."""
        said = differences(self.key, found.key, "key") + differences(
            self.timestamp, found.timestamp, "timestamp"
        )
        said += differences(sorted(self.headers or ()), sorted(found.headers or ()), "headers")
        return said + differences(
            schemas.read(self.schema, self.value), schemas.read(self.schema, found.value)
        )


class DeadLetter:
    """An expected dead letter: the action's record, and headers that say why and where."""

    __slots__ = ("_action", "_makes", "_verdict")

    def __init__(self, makes, action, verdict):
        self._makes, self._action, self._verdict = makes, action, verdict

    @property
    def key(self):
        """The key it must have."""
        return self._parts()[0]

    def is_met(self, found):
        """Whether the record found is it."""
        return not self.differences(found, None)

    def differences(self, found, _schemas):
        """What differs. The message is for people: it must be there, be short and name the field at fault."""
        key, value, headers, facts = self._parts()
        action, verdict = self._action, self._verdict
        said = differences(key, found.key, "key") + differences(
            action.timestamp, found.timestamp, "timestamp"
        )
        if value != found.value:
            said.append(f"value: expected {_size(value)}, found {_size(found.value)} or others")
        there = list(found.headers or ())
        said += differences(headers, there[: len(headers)], "the action's headers")
        added = dict(there[len(headers) :])
        if len(added) != len(there) - len(headers):
            said.append("a header of a dead letter stands twice")
        facts = {
            "__dlq.errors.topic": self._makes.actions_topic,
            "__dlq.errors.partition": str(action.partition),
            "__dlq.errors.offset": str(action.offset),
            "__dlq.errors.reason": verdict.reason,
            "__dlq.errors.stage": "normalizer",
            "__dlq.errors.timestamp": str(action.timestamp),
            **facts,
        }
        message = added.pop(MESSAGE, None)
        said += differences({name: fact.encode() for name, fact in facts.items()}, added, "headers")
        return said + _message(message, verdict.field)

    def _parts(self):
        action = self._action
        if self._verdict.reason == "oversized":
            return kept(action, self._makes.limits)
        return action.key, action.value, list(action.headers or ()), {}


def event_datum(action, verdict):
    """The audit event of a recorded action, as its schema has it."""
    raw, entry = verdict.raw, verdict.entry
    return {
        "event_id": verdict.event_id,
        "tenant": raw.tenant,
        "event_type": entry.event_type,
        "category": entry.category,
        "action": raw.action,
        "activity": entry.activity,
        "occurred_at": raw.occurred_at,
        "received_at": action.timestamp * 1000,
        "source": raw.source,
        "id": raw.id,
        "actor": raw.actor,
        "on_behalf_of": raw.on_behalf_of,
        "user": raw.user,
        "object": raw.object,
        "within": raw.within or [],
        "changes": raw.changes or [],
        "attributes": raw.attributes or {},
        "reason": raw.reason,
        "origin": raw.origin,
        "correlation_id": raw.correlation_id,
        "sequence": raw.sequence,
        "provenance": {"partition": action.partition, "offset": action.offset, "digest": verdict.digest},
        "catalog_version": catalog.VERSION,
    }


def receipt_datum(action, verdict):
    """The receipt of an action, as its schema has it."""
    received_at = action.timestamp * 1000
    place = {"partition": action.partition, "offset": action.offset, "received_at": received_at}
    datum = {"outcome": verdict.outcome, "action": None, "reroute": None, "range": None}
    if verdict.outcome == "rerouted":
        return datum | {"reroute": {"tenant": verdict.tenant, "to_partition": verdict.to, **place}}
    raw = verdict.raw
    said = {"tenant": raw.tenant, "source": raw.source, "id": raw.id, "action": raw.action}
    said.update(event_id=verdict.event_id, occurred_at=raw.occurred_at, digest=verdict.digest, **place)
    return datum | {"action": said}


def _event_headers(action, datum):
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", datum["event_id"].encode()),
        ("ce_source", datum["source"].encode()),
        ("ce_type", datum["event_type"].encode()),
        ("ce_time", to_rfc3339(datum["occurred_at"]).encode()),
        ("content-type", b"application/avro"),
    ]
    traceparent = dict(action.headers).get("traceparent") if action.headers else None
    return headers if traceparent is None else [*headers, ("traceparent", traceparent)]


def _message(message, field):
    try:
        text = (message or b"").decode()
    except UnicodeDecodeError:
        text = ""
    if not text or len(message) > 1024:
        return [f"headers.{MESSAGE}: expected up to 1024 bytes of text, found {shown(message)}"]
    if field is not None and field not in text:
        return [f"headers.{MESSAGE}: expected one that names {field}, found {shown(text)}"]
    return []


def _size(value):
    return "no value" if value is None else f"{len(value)} bytes"
