"""The forms an action comes in: JSON, CloudEvents structured and binary, Avro; told apart by headers and
first bytes, and read into plain values. Numbers stay the text they were, so that no digit is lost.
"""

import base64
import json

from . import shape
from .schemas import SINGLE_OBJECT, Undecodable, datum_of

# How many objects and arrays may lie within each other.
DEPTH = 64


class Malformed(Exception):
    """The bytes are no action."""


class UnknownSchema(Exception):
    """The bytes name a schema that nobody knows."""


def read(value, headers, schemas):
    """The action in a record, as raw fields.

    Raises Malformed or UnknownSchema. A field of a wrong form is no error: it is `Wrong`.
    """
    if not value:
        raise Malformed("the value is empty")
    said = dict(headers) if headers else {}
    content_type = said.get("content-type")
    form = _cloudevents_format(content_type)
    if form is not None:
        if form != "+json":
            raise Malformed("the cloudevent is not JSON")
        return _structured(_object(_text(value)))
    if said.get("ce_specversion") is not None:
        return _binary(value, headers, content_type)
    if said.get("__value_schema_id") is not None:
        return _by_header(said["__value_schema_id"])
    if value[:2] == SINGLE_OBJECT:
        return _single_object(value, schemas)
    if value[:1] == b"\x00":
        if len(value) < 5:
            raise Malformed("the framing is cut")
        raise UnknownSchema("no registry is asked")
    members = _object(_text(value))
    if "specversion" in members and {"type", "source", "id"} <= members.keys():
        return _structured(members)
    return _plain(members)


def _plain(members):
    unknown = []
    raw = shape.action(members, unknown)
    shape.keep_unknown(raw, unknown)
    return raw


def _structured(members):
    """Attributes at the top, the rest in `data` or `data_base64`."""
    data, encoded = members.get("data"), members.get("data_base64")
    attributes = {name: value for name, value in members.items() if name not in ("data", "data_base64")}
    _check(shape.text(attributes.get("specversion"), ""), shape.text(attributes.get("datacontenttype"), ""))
    if encoded is not None and type(encoded) is not str:
        raise Malformed("data_base64 is no text")
    if data is not None and encoded is not None:
        raise Malformed("data stands twice")
    if encoded is not None:
        try:
            data = _object(_text(base64.b64decode(encoded, validate=True)))
        except ValueError as error:
            raise Malformed("data_base64 is no base64") from error
    elif data is not None and type(data) is not dict:
        raise Malformed("data is no object")
    return _over(attributes, data or {}, lambda value: shape.time(value, "time"))


def _binary(value, headers, content_type):
    """Attributes in headers `ce_*`, the data in the value."""
    attributes = {}
    for name, said in headers:
        if name.startswith("ce_") and said is not None:
            attributes[name[3:]] = said
    attributes = {name: _text(said) for name, said in attributes.items()}
    attributes.pop("datacontenttype", None)
    _check(attributes.get("specversion"), None if content_type is None else _text(content_type))
    return _over(attributes, _object(_text(value)), lambda text: shape.time_of_text(text, "time"))


def _over(attributes, data, time):
    """The action of the data, with what the attributes say over it."""
    unknown = []
    raw = shape.action(data, unknown)
    for attribute, field in (("id", "id"), ("source", "source"), ("type", "action"), ("tenant", "tenant")):
        said = shape.text(attributes.get(attribute), attribute)
        if said is not None:
            setattr(raw, field, said)
    if attributes.get("time") is not None:
        raw.occurred_at = time(attributes["time"])
    # What traces a request differs between two deliveries of one action; every other extension is kept.
    known = (
        "specversion",
        "id",
        "source",
        "type",
        "tenant",
        "time",
        "datacontenttype",
        "traceparent",
        "tracestate",
    )
    extensions = [
        (name, shape.as_text(value))
        for name, value in attributes.items()
        if name not in known and value is not None
    ]
    shape.keep_unknown(raw, sorted(extensions) + unknown)
    return raw


def _check(specversion, media):
    if specversion != "1.0":
        raise Malformed("specversion is not 1.0")
    if media is not None:
        media = media.split(";")[0].strip().lower() if type(media) is str else ""
        if media not in ("application/json", "text/json") and not media.endswith("+json"):
            raise Malformed("the data is not JSON")


def _cloudevents_format(content_type):
    """What follows `application/cloudevents` in a content type."""
    if content_type is None or b"cloudevents" not in content_type.lower():
        return None
    try:
        media = content_type.decode().split(";")[0].strip().lower()
    except UnicodeDecodeError:
        return None
    prefix = "application/cloudevents"
    return media[len(prefix) :] if media.startswith(prefix) else None


def _by_header(schema_id):
    if (schema_id[:1], len(schema_id)) in ((b"\x00", 5), (b"\x01", 17)):
        raise UnknownSchema("no registry is asked")
    raise Malformed("the schema's header is no id")


def _single_object(value, schemas):
    if len(value) < 10:
        raise Malformed("the framing is cut")
    schema = schemas.by_print.get(value[2:10])
    if schema is None:
        raise UnknownSchema("no schema has this fingerprint")
    try:
        members = datum_of(schema, value[10:])
    except Undecodable as error:
        raise Malformed(str(error)) from error
    at = members.pop("occurred_at", None)
    unknown = []
    raw = shape.action({name: _of_avro(member) for name, member in members.items()}, unknown)
    # The schemas that are known count microseconds.
    raw.occurred_at = at
    shape.keep_unknown(raw, unknown)
    return raw


def _of_avro(value):
    """A value of Avro as the same value would stand in JSON."""
    if type(value) is dict:
        return {name: _of_avro(member) for name, member in value.items()}
    if type(value) is list:
        return [_of_avro(member) for member in value]
    if type(value) is int or type(value) is float:
        return shape.Number(repr(value))
    return shape.Bytes(value.hex()) if type(value) is bytes else value


def _text(data):
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the text is not UTF-8") from error


def _object(text):
    """The members of a JSON object; malformed where a name stands twice or things lie too deep."""
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("the text is no JSON") from error
    if type(value) is not dict:
        raise Malformed("the text is no object")
    if text.count("{") + text.count("[") > DEPTH and _depth(value) > DEPTH:
        raise Malformed("things lie too deep in each other")
    if "\\u" in text and "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise Malformed("half of a surrogate pair") from error
    return value


def _members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_number(name):
    raise ValueError(f"{name} is no number of JSON")


def _depth(value):
    inner = value.values() if type(value) is dict else value if type(value) is list else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


_decode = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=shape.Number, parse_int=shape.Number, parse_constant=_no_number
).decode
