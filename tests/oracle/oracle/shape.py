"""The shape of an action: each field is absent (None), wrong (`Wrong`) or a value of its type.

Null is absent, an empty list is absent; a part with one wrong member is wrong as a whole. Fields that
nobody knows are kept as attributes under `x.`.
"""

import json

from . import times

KINDS = frozenset(("user", "service", "api_key", "system", "anonymous", "unknown"))
# Bytes of unknown fields, names and values together, that one action may keep.
UNKNOWN_LIMIT = 8 * 1024
LEFT_OUT = "x.~truncated"


class Number(str):
    """A number as the text it was."""

    __slots__ = ()


class Bytes(str):
    """Bytes of Avro, hexadecimal: no text, but kept as such where the field is unknown."""

    __slots__ = ()


class Wrong:
    """A field that is there and cannot be read; `where` names it."""

    __slots__ = ("where",)

    def __init__(self, where):
        self.where = where


class Raw:
    """The fields of an action as they were read; each is None until it is set."""

    tenant = id = source = action = occurred_at = actor = on_behalf_of = user = object = None
    within = changes = attributes = reason = origin = correlation_id = sequence = None


def action(members, unknown):
    """The fields of an action; what is not known goes to `unknown` as pairs of path and text."""
    raw = Raw()
    fields = raw.__dict__
    for name, value in members.items():
        if value is None:
            continue
        take = _FIELDS.get(name)
        if take is None:
            unknown.append((name, as_text(value)))
        else:
            fields[name] = take(value, name, unknown)
    return raw


def text(value, where, _unknown=None):
    """Text, absent or wrong."""
    return value if value is None or type(value) is str else Wrong(where)


def time(value, where, _unknown=None):
    """A time: RFC 3339 in a text, milliseconds in a number."""
    if type(value) is str:
        return time_of_text(value, where)
    at = times.of_millis(value) if type(value) is Number else None
    return Wrong(where) if at is None else at


def time_of_text(value, where):
    """A time in RFC 3339."""
    at = times.of_rfc3339(value)
    return Wrong(where) if at is None else at


def as_text(value):
    """Any value as text: a string as it is, anything else as compact JSON with its numbers as they were."""
    return str(value) if isinstance(value, str) else _json(value)


def keep_unknown(raw, unknown):
    """Puts unknown fields among the attributes, in the order of their names, as far as the limit goes."""
    if not unknown or type(raw.attributes) is Wrong:
        return
    given = raw.attributes or {}
    kept, left, left_out = dict(given), UNKNOWN_LIMIT, 0
    for path, value in sorted(unknown, key=lambda field: field[0]):
        name = "x." + path
        size = len(name.encode()) + len(value.encode())
        if name in kept or size > left:
            left_out += 1
            continue
        left -= size
        kept[name] = value
    if left_out:
        kept[LEFT_OUT] = str(left_out)
    raw.attributes = dict(sorted(kept.items()))


def _json(value):
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Number:
        return str(value)
    if type(value) is dict:
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{_json(member)}" for name, member in value.items()
        )
        return "{" + ",".join(members) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def _part(members, where, unknown, known):
    """The known members of an object; `known` names them, and which of them must be there."""
    if type(members) is not dict:
        return Wrong(where)
    part = dict.fromkeys(known)
    for name, value in members.items():
        if name not in known:
            if value is not None:
                unknown.append((f"{where}.{name}", as_text(value)))
        elif value is not None:
            part[name] = value
    for name, needed in known.items():
        value = part[name]
        if value is None:
            if needed:
                return Wrong(f"{where}.{name}")
        elif type(value) is not str:
            return Wrong(f"{where}.{name}")
    return part


def _actor(value, where, unknown):
    if type(value) is not dict:
        return Wrong(where)
    roles = value.get("roles")
    rest = {name: member for name, member in value.items() if name != "roles"} if roles is not None else value
    part = _part(rest, where, unknown, _ACTOR)
    if type(part) is Wrong:
        return part
    if part["kind"] not in KINDS:
        return Wrong(f"{where}.kind")
    if roles is not None and (type(roles) is not list or any(type(role) is not str for role in roles)):
        return Wrong(f"{where}.roles")
    part.pop("roles", None)
    part["roles"] = roles or []
    return part


def _user(value, where, unknown):
    return _part(value, where, unknown, _USER)


def _object(value, where, unknown):
    return _part(value, where, unknown, _OBJECT)


def _origin(value, where, unknown):
    return _part(value, where, unknown, _ORIGIN)


def _change(value, where, unknown):
    if type(value) is dict:
        # Before and after may be any scalar; text is what becomes of it.
        value = {
            name: as_text(member)
            if name in ("before", "after") and type(member) in (Number, bool)
            else member
            for name, member in value.items()
        }
    return _part(value, where, unknown, _CHANGE)


def _list_of(take):
    def items(value, where, unknown):
        if type(value) is not list:
            return Wrong(where)
        taken = [take(item, f"{where}[{place}]", unknown) for place, item in enumerate(value)]
        return next((item for item in taken if type(item) is Wrong), taken or None)

    return items


def _attributes(value, where, _unknown):
    if type(value) is not dict:
        return Wrong(where)
    for name, member in value.items():
        if member is not None and type(member) is not str:
            return Wrong(f"{where}.{name}")
    return {name: value[name] for name in sorted(value) if value[name] is not None} or None


def _sequence(value, where, _unknown):
    # -0 is how a float is written that is no whole number of any counter.
    digits = value[1:] if value.__class__ is Number and value[:1] == "-" and value != "-0" else value
    if type(value) is not Number or not str(digits).isdigit() or not -(2**63) <= int(value) < 2**63:
        return Wrong(where)
    return int(value)


_ACTOR = {"kind": True, "id": False, "name": False, "roles": False}
_USER = {"id": True, "name": False}
_OBJECT = {"kind": True, "id": True, "title": False}
_ORIGIN = {"ip": False, "user_agent": False, "channel": False}
_CHANGE = {"field": True, "before": False, "after": False}

_FIELDS = {
    "tenant": text,
    "id": text,
    "source": text,
    "action": text,
    "reason": text,
    "correlation_id": text,
    "occurred_at": time,
    "actor": _actor,
    "on_behalf_of": _actor,
    "user": _user,
    "object": _object,
    "within": _list_of(_object),
    "changes": _list_of(_change),
    "attributes": _attributes,
    "origin": _origin,
    "sequence": _sequence,
}
