"""Publishes strange actions in transactions, some of which it aborts: `python -m oracle.strange`.

What the product makes of them is then the oracle's to judge.
"""

import argparse
import pathlib
import sys
import time

from confluent_kafka import Producer

from ..catalog import Catalog
from ..keys import partition_of
from ..schemas import Schemas
from .maker import Maker

_CHECKOUT = pathlib.Path(__file__).resolve().parents[4]


def main():
    """Publishes strange actions; every tenth transaction or so is aborted."""
    parser = argparse.ArgumentParser(prog="oracle.strange", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument("-n", "--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--topic", default="lms.actions.v1")
    options = parser.parse_args()
    maker = Maker(
        options.seed,
        int(time.time() * 1000),
        Catalog(_CHECKOUT / "crates/catalog/data/catalog.tsv"),
        Schemas(_CHECKOUT / "schemas"),
    )
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "transactional.id": f"oracle-strange-{options.seed}",
            "message.max.bytes": 3 << 20,
            "linger.ms": 5,
            "partitioner": "murmur2_random",
        }
    )
    partitions = len(producer.list_topics(options.topic, timeout=30).topics[options.topic].partitions)
    producer.init_transactions(30)
    sent = 0
    while sent < options.count:
        producer.begin_transaction()
        for _ in range(maker.chance.randrange(1, 400)):
            key, value, headers, tenant = maker.record()
            astray = not isinstance(tenant, str) or maker.chance.random() < 0.05
            partition = maker.chance.randrange(partitions) if astray else partition_of(tenant, partitions)
            producer.produce(options.topic, key=key, value=value, headers=headers, partition=partition)
            producer.poll(0)
            sent += 1
        if maker.chance.random() < 0.1:
            # An abort before the broker has heard of the transaction is fatal (librdkafka 4849).
            producer.flush(30)
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    print(f"published {sent} strange actions, aborted ones among them", file=sys.stderr)


if __name__ == "__main__":
    main()
