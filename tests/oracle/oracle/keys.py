"""Where records lie and what rows are called: Kafka's partitioner and the keys of rows."""

import re

from .times import day_name, hour_name

_ESCAPED = re.compile(r"[/%\x00-\x1f\x7f-\x9f]")
_homes = {}


def partition_of(tenant, count):
    """The partition of a tenant: the Java client's default for a record keyed by the tenant's id."""
    home = _homes.get((tenant, count))
    if home is None:
        home = _homes[tenant, count] = (murmur2(tenant.encode()) & 0x7FFFFFFF) % count
    return home


def murmur2(data):
    """MurmurHash2 of 32 bits with Kafka's seed, as an unsigned number."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    length = len(data)
    h = (0x9747B28C ^ length) & mask
    for at in range(0, length - length % 4, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    tail = data[length - length % 4 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def row_key(*parts):
    """Parts joined by `/`; in each, `/`, `%` and control characters are percent-encoded."""
    return "/".join(map(_part, parts))


def activity_key(tenant, catalog, event_type, window, start):
    """Key of an activity row; no catalog is an empty part."""
    name = hour_name(start) if window == "hour" else day_name(start)
    return row_key(tenant, catalog or "", event_type, window, name)


def actors_key(tenant, kind, actor_id, day):
    """Key of an actors row; an actor without an id has an empty part."""
    return row_key(tenant, kind, actor_id or "", day_name(day))


def register_key(tenant, kind, user, objects):
    """Key of a register row: an object is its kind and its id."""
    parts = [tenant, kind]
    if user is not None:
        parts.append(user)
    for kind_and_id in objects:
        parts.extend(kind_and_id)
    return row_key(*parts)


def account_key(tenant, source, partition, hour):
    """Key of an account's row: of a source, of a tenant whose source is unreadable, of a partition."""
    name = hour_name(hour)
    if tenant is None:
        return row_key("~unknown", str(partition), name)
    return source_key(tenant, source, name) if source is not None else row_key(tenant, "~unknown", name)


def source_key(tenant, source, last):
    """Key of a source's row; a `~` that its name begins with is percent-encoded, since ours begin so."""
    part = _part(source)
    if part.startswith("~"):
        part = "%7E" + part[1:]
    return f"{_part(tenant)}/{part}/{last}"


def _part(text):
    return _ESCAPED.sub(_escape, text) if _ESCAPED.search(text) else text


def _escape(match):
    return "".join(f"%{byte:02X}" for byte in match.group().encode())
