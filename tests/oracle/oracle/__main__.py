"""The command: `python -m oracle --bootstrap-servers HOST:PORT`."""

import argparse
import gc
import json
import pathlib
import resource
import sys
import time

from confluent_kafka import KafkaException

from .broker import Broker, Unreachable
from .catalog import Catalog
from .normalizer import Limits
from .schemas import Schemas
from .tally import KINDS
from .times import DAY
from .trail import Misuse, Trail, judge

AGREE, DIFFER, MISUSE, UNREACHABLE = 0, 1, 2, 3
_CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


def main():
    """Judges, prints, and gives the exit code."""
    options = _options()
    began = time.monotonic()
    # Nothing here refers to itself in a circle, and looking for circles takes a third of the time.
    gc.disable()
    try:
        properties = dict(_property(text) for text in options.property)
        catalog = Catalog(options.checkout / "crates/catalog/data/catalog.tsv")
        schemas = Schemas(options.checkout / "schemas")
        broker = _broker(options.bootstrap_servers, properties)
        limits = Limits(options.max_value_bytes, options.dedup_window_days * DAY)
        trail, tally = judge(lambda: Trail(broker, catalog, schemas, limits, options.app, options.partitions))
    except (Misuse, OSError) as error:
        print(f"oracle: {error}", file=sys.stderr)
        return MISUSE
    except Unreachable as error:
        print(f"oracle: {error}", file=sys.stderr)
        return UNREACHABLE
    said = {
        "agrees": tally.agrees(),
        **tally.total(),
        "topics": tally.topics,
        "examples": tally.examples,
        "notes": tally.notes,
        "committed": trail.committed,
        "seconds": round(time.monotonic() - began, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if options.json:
        pathlib.Path(options.json).write_text(
            json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    _print(said, tally)
    return AGREE if said["agrees"] else DIFFER


def _options():
    parser = argparse.ArgumentParser(
        prog="oracle",
        description="Recomputes from the actions topic what the trail must hold, and compares. Exit codes: "
        "0 it agrees; 1 it differs; 2 wrong usage; 3 Kafka cannot be reached, or the trail does not rest.",
    )
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--partitions",
        type=int,
        help="how many every topic must have; as the actions topic has, if not given",
    )
    parser.add_argument(
        "--app", default="lms-audit", metavar="PREFIX", help="what the groups' names begin with"
    )
    parser.add_argument("--max-value-bytes", type=int, default=1 << 20, help="the limit of an action's value")
    parser.add_argument("--dedup-window-days", type=int, default=35)
    parser.add_argument(
        "-X", dest="property", action="append", default=[], metavar="KEY=VALUE", help="for librdkafka"
    )
    parser.add_argument("--json", metavar="FILE", help="write what was found there, too")
    parser.add_argument(
        "--checkout", type=pathlib.Path, default=_CHECKOUT, help="where catalog and schemas lie"
    )
    return parser.parse_args()


def _broker(servers, properties):
    try:
        return Broker(servers, properties)
    except KafkaException as error:
        raise Misuse(f"no client can be made with -X {properties}: {error.args[0].str()}") from error


def _property(text):
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Misuse(f"-X {text}: expected key=value")
    return key, value


def _print(said, tally):
    width = max(map(len, said["topics"]))
    print(f"{'topic':{width}}  {'judged':>8}  " + "  ".join(f"{kind:>12}" for kind in KINDS))
    for topic, counts in [*sorted(said["topics"].items()), ("total", tally.total())]:
        print(
            f"{topic:{width}}  {counts['judged']:>8}  " + "  ".join(f"{counts[kind]:>12}" for kind in KINDS)
        )
    for note in said["notes"][:20]:
        print(f"note: {note}")
    for example in said["examples"]:
        offset = "" if example["offset"] is None else f" offset {example['offset']}"
        print(
            f"{example['kind']}: {example['topic']} partition {example['partition']}{offset} "
            f"key {example['key']}: {example['problem']}"
        )
    verdict = "the trail is what it must be" if said["agrees"] else "the trail is not what it must be"
    print(f"{verdict} ({said['seconds']} s, {said['peak_mib']} MiB)")


if __name__ == "__main__":
    sys.exit(main())
