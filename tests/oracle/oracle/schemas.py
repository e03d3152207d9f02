"""The schemas, as files: decoding by what a value says it was written with, encoding by the newest.

Logical types are stripped, so that times stay whole numbers and ids stay text.
"""

import io
import json
import pathlib

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

SINGLE_OBJECT = b"\xc3\x01"


class Undecodable(Exception):
    """A value is not what its topic should hold."""


class Schemas:
    """Every version of every schema under a folder, by fingerprint; and the newest of each name."""

    def __init__(self, folder):
        self.by_print, self.newest = {}, {}
        for path in sorted(pathlib.Path(folder).glob("*/v*.avsc")):
            schema = json.loads(path.read_text(encoding="utf-8"))
            mark = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
            parsed = fastavro.parse_schema(_plain(schema), named_schemas={})
            self.by_print[mark] = parsed
            version = int(path.stem[1:])
            if version > self.newest.get(path.parent.name, (0,))[0]:
                self.newest[path.parent.name] = (version, mark, parsed)

    def writer(self, name):
        """Encodes datums by the newest version of a schema; without a framing."""
        _, _, schema = self.newest[name]

        def encode(datum, _write=fastavro.schemaless_writer, _buffer=io.BytesIO):
            out = _buffer()
            _write(out, schema, datum)
            return out.getvalue()

        return encode

    def prefix(self, name):
        """What a value of the newest version of a schema begins with where no registry is set."""
        return SINGLE_OBJECT + self.newest[name][1]

    def read(self, name, value):
        """The datum of a value of ours, as the newest version has it.

        Confluent's framing hides the version, so the newest is taken. Raises Undecodable.
        """
        newest = self.newest[name][2]
        if value[:2] == SINGLE_OBJECT:
            schema, datum = self.by_print.get(value[2:10]), value[10:]
        elif value[:1] == b"\x00":
            schema, datum = newest, value[5:]
        else:
            schema = None
        if schema is None:
            raise Undecodable(f"the value is no {name} of a known schema")
        return datum_of(schema, datum, None if schema is newest else newest)


def datum_of(schema, data, reader=None):
    """A datum read by the schema it was written with; all of the bytes must belong to it.

    With a reader's schema it is given as that has it. Raises Undecodable.
    """
    source = io.BytesIO(data)
    try:
        datum = fastavro.schemaless_reader(source, schema, reader)
    except Exception as error:  # whatever the bytes make of the reader, they are no such datum
        raise Undecodable(f"the datum cannot be read: {error!r}") from error
    if source.tell() != len(data):
        raise Undecodable(f"{len(data) - source.tell()} bytes follow the datum")
    return datum


def _plain(schema):
    """The schema without logical types and docs."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value if name in ("default", "symbols", "name", "namespace") else _plain(value)
        for name, value in schema.items()
        if name not in ("logicalType", "doc")
    }
