"""Coverage: how far each stage says it has come must be what its group committed."""

from .schemas import Undecodable
from .tally import differences

# When a transaction was committed is not known here; so far its times may lie apart, in milliseconds.
_APART = 1


def judge(trail, rows):
    """Compares the coverage of every stage and partition, taking it out of the ledger's rows."""
    cluster, topics = trail.broker.cluster_id(), trail.broker.topic_ids(trail.inputs.values())
    for stage, topic in trail.inputs.items():
        for partition, committed in enumerate(trail.committed[stage]):
            key = f"~coverage/{stage}/{partition}".encode()
            found = rows.found.pop((key, partition), None)
            if committed is None and found is None:
                continue
            rows.tally.judged(rows.topic)
            if found is None or found.value is None:
                problem = f"the group committed offset {committed}, but there is no coverage"
                rows.tally.add("lost", rows.topic, partition, None, key, problem)
                continue
            last_read = trail.last_read[stage][partition]
            expected = {
                "stage": stage,
                "partition": partition,
                "next_offset": committed,
                "last_read_at": None if last_read is None else last_read * 1000,
                "cluster_id": cluster,
                "topic_id": topics[topic],
            }
            said = _differences(rows, found, expected)
            if said:
                rows.tally.add("differing", rows.topic, partition, found.offset, key, "; ".join(said))


def _differences(rows, record, expected):
    try:
        found = rows.read(record)["coverage"]
    except Undecodable as error:
        return [str(error)]
    if found is None:
        return ["the key is of a coverage, the value is not"]
    said = differences(expected, {name: found[name] for name in expected})
    if abs(record.timestamp - found["committed_at"] // 1000) > _APART:
        said.append(
            f"timestamp: {record.timestamp}, but it was committed at {found['committed_at']} microseconds"
        )
    return said
