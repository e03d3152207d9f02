"""What makes an action valid, what it says (its digest) and how its event is called."""

import hashlib
import re
import struct

from .shape import Wrong
from .times import DAY, EARLIEST

TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# The version of the digest's rule, its first byte.
DIGEST_VERSION = b"\x01"

_MUST = ("tenant", "id", "source", "action", "occurred_at", "actor")
_NEEDS_ID = ("user", "service", "api_key")
_length = struct.Struct(">Q").pack
_length32 = struct.Struct(">I").pack
_time = struct.Struct(">q").pack


class Rejected(Exception):
    """An action cannot become an event: the reason by its stable name, and the field at fault."""

    def __init__(self, reason, field):
        super().__init__(reason, field)
        self.reason, self.field = reason, field


def tenant_of(raw):
    """The tenant, where it is valid."""
    tenant = raw.tenant
    return tenant if type(tenant) is str and TENANT.fullmatch(tenant) else None


def source_of(raw):
    """The source, where it is valid."""
    source = raw.source
    return source if type(source) is str and 1 <= len(source) <= 512 else None


def validate(raw, tenant, catalog, received_at):
    """The catalog's entry of a valid action; raises Rejected by what fails first."""
    for name in _MUST:
        if getattr(raw, name) is None:
            raise Rejected("missing_field", name)
    if tenant is None:
        raise Rejected("invalid_field", "tenant")
    _sized(raw.id, "id", 128)
    _sized(raw.source, "source", 512)
    _formed(raw.action, "action")
    entry = catalog.actions.get(raw.action)
    if entry is None:
        raise Rejected("unknown_action", "action")
    _formed(raw.occurred_at, "occurred_at")
    _actor(raw.actor, "actor")
    if raw.on_behalf_of is not None:
        _actor(raw.on_behalf_of, "on_behalf_of")
    if raw.user is not None:
        _formed(raw.user, "user")
        _sized(raw.user["id"], "user", 512)
    if raw.object is not None:
        _object(raw.object, "object")
    _formed(raw.within, "within")
    for thing in raw.within or ():
        _object(thing, "within")
    for name in ("changes", "attributes", "reason", "origin", "correlation_id", "sequence"):
        _formed(getattr(raw, name), name)
    _fits(raw, entry, catalog)
    if raw.occurred_at < EARLIEST:
        raise Rejected("invalid_field", "occurred_at")
    if raw.occurred_at > received_at + DAY:
        raise Rejected("timestamp_in_future", "occurred_at")
    return entry


def identity(tenant, source, action_id):
    """The hash that tenant, source and id make together."""
    parts = (tenant.encode(), source.encode(), action_id.encode())
    return hashlib.sha256(b"".join(_length32(len(part)) + part for part in parts)).digest()


def event_id(occurred_at, identity_hash):
    """UUIDv8: 48 bits of milliseconds, 80 bits of the identity, version and variant laid over."""
    data = bytearray((occurred_at // 1000 & 0xFFFFFFFFFFFF).to_bytes(6, "big") + identity_hash[:10])
    data[6] = data[6] & 0x0F | 0x80
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def digest(raw):
    """What an action says, whatever its encoding: version and SHA-256 of its facts."""
    out = [_text(raw.action), _time(raw.occurred_at)]
    _put_actor(out, raw.actor)
    if raw.on_behalf_of is None:
        out.append(b"\x00")
    else:
        out.append(b"\x01")
        _put_actor(out, raw.on_behalf_of)
    user = raw.user
    out.append(b"\x00" if user is None else b"\x01" + _text(user["id"]) + _maybe(user["name"]))
    out.append(b"\x00" if raw.object is None else b"\x01" + _thing(raw.object))
    within, changes, attributes = raw.within or (), raw.changes or (), raw.attributes or {}
    out.append(_length(len(within)))
    out.extend(map(_thing, within))
    out.append(_length(len(changes)))
    for change in changes:
        out += _text(change["field"]), _maybe(change["before"]), _maybe(change["after"])
    out.append(_length(len(attributes)))
    for name in sorted(attributes):
        out += _text(name), _text(attributes[name])
    out.append(_maybe(raw.reason))
    return DIGEST_VERSION + hashlib.sha256(b"".join(out)).digest()


def catalog_of(user_object, within):
    """The catalog an event concerns: the object if it is one, else the one it lies in."""
    if user_object is not None and user_object["kind"] == "catalog":
        return user_object["id"]
    return next((thing["id"] for thing in within or () if thing["kind"] == "catalog"), None)


def _formed(value, field):
    if type(value) is Wrong:
        raise Rejected("invalid_field", field)


def _sized(value, field, most):
    _formed(value, field)
    if not 1 <= len(value) <= most:
        raise Rejected("invalid_field", field)


def _actor(actor, field):
    _formed(actor, field)
    if actor["id"] is not None:
        _sized(actor["id"], field, 512)
    elif actor["kind"] in _NEEDS_ID:
        raise Rejected("missing_field", field)


def _object(thing, field):
    _formed(thing, field)
    _sized(thing["kind"], field, 512)
    _sized(thing["id"], field, 512)


def _fits(raw, entry, catalog):
    """What the catalog asks: object, user, within; then that no kind stands twice that may not."""
    if entry.objects:
        if raw.object is None:
            raise Rejected("missing_field", "object")
        if raw.object["kind"] not in entry.objects:
            raise Rejected("invalid_field", "object")
    if entry.user and raw.user is None:
        raise Rejected("missing_field", "user")
    if not raw.within:
        if entry.within:
            raise Rejected("missing_field", "within")
        return
    kinds = [thing["kind"] for thing in raw.within]
    if entry.within and not any(kind in entry.within for kind in kinds):
        raise Rejected("missing_field", "within")
    if len(kinds) > 1 and any(kind in catalog.single and kinds.count(kind) > 1 for kind in set(kinds)):
        raise Rejected("invalid_field", "within")


def _text(text):
    data = text.encode()
    return _length(len(data)) + data


def _maybe(text):
    return b"\x00" if text is None else b"\x01" + _text(text)


def _thing(thing):
    return _text(thing["kind"]) + _text(thing["id"]) + _maybe(thing["title"])


def _put_actor(out, actor):
    roles = actor["roles"]
    out += _text(actor["kind"]), _maybe(actor["id"]), _maybe(actor["name"]), _length(len(roles))
    out.extend(map(_text, roles))
