"""Small actions and records for the tests."""

import json
import pathlib

from oracle.catalog import Catalog
from oracle.normalizer import Normalizer
from oracle.schemas import Schemas

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
CATALOG = Catalog(CHECKOUT / "crates/catalog/data/catalog.tsv")
SCHEMAS = Schemas(CHECKOUT / "schemas")
# 2026-11-02T09:14:04Z in milliseconds, when records are received.
NOW = 1_793_610_844_000
# Where Kafka puts acme of three partitions: its murmur2 is 0xB39B9904, 0x339B9904 without the sign.
HOME = 0


class Record:
    """A record as a consumer would see it."""

    def __init__(self, value, headers=None, key=b"acme", partition=HOME, offset=0, timestamp=NOW):
        self.value, self.headers, self.key = value, headers, key
        self.partition, self.offset, self.timestamp = partition, offset, timestamp


def fields(**changed):
    """An action that is valid, with some fields changed; None leaves one out."""
    action = {
        "id": "a-1",
        "source": "lms.web",
        "action": "certificate.issued",
        "occurred_at": "2026-11-02T09:14:03Z",
        "tenant": "acme",
        "actor": {"kind": "user", "id": "u-3"},
        "user": {"id": "u-17"},
        "object": {"kind": "certificate", "id": "cert-1"},
    }
    action.update(changed)
    return {name: value for name, value in action.items() if value is not None}


def text(**changed):
    """Such an action as JSON."""
    return json.dumps(fields(**changed)).encode()


def normalizer(partitions=3):
    """A normalizer that has seen nothing."""
    return Normalizer(CATALOG, SCHEMAS, partitions)
