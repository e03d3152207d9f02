"""Re-routed actions: each must lie once, unchanged, in its tenant's partition."""

from .normalizer import REROUTE, moved_from
from .tally import differences


class Moves:
    """The copies that carry a re-route header, by what it says."""

    def __init__(self, topic, partitions, tally):
        self.topic, self.partitions, self.tally = topic, partitions, tally
        self._copies, self._expected = {}, {}

    def saw(self, action):
        """Takes note of a record of the actions topic, committed or not yet read by the normalizer."""
        moved = moved_from(action.headers)
        if moved is not None and moved[2] == self.partitions:
            self._copies.setdefault(moved[:2], []).append(action)

    def expect(self, action, verdict):
        """This action must have been re-routed, once."""
        self._expected[action.partition, action.offset] = (action, verdict)

    def finish(self):
        """Compares. A producer may forge the header, so what speaks of no re-routed action says nothing."""
        for (partition, offset), (action, verdict) in self._expected.items():
            self.tally.judged(self.topic)
            copies = self._copies.get((partition, offset), [])
            where = f"the action at partition {partition} offset {offset}"
            problems = [self._differences(action, verdict, copy) for copy in copies]
            right = [copy for copy, problem in zip(copies, problems, strict=True) if not problem]
            if not copies:
                to = f"partition {verdict.to}"
                self.tally.add(
                    "lost",
                    self.topic,
                    partition,
                    offset,
                    action.key,
                    f"{where}: expected in {to}, found nowhere",
                )
            elif not right:
                copy, problem = copies[0], problems[0]
                self.tally.add(
                    "differing",
                    self.topic,
                    copy.partition,
                    copy.offset,
                    copy.key,
                    f"{where}: {'; '.join(problem[:8])}",
                )
            for copy in right[1:]:
                self.tally.add(
                    "doubled",
                    self.topic,
                    copy.partition,
                    copy.offset,
                    copy.key,
                    f"{where} was re-routed already",
                )

    def _differences(self, action, verdict, copy):
        header = (REROUTE, f"{action.partition}/{action.offset}/{self.partitions}".encode())
        said = differences(verdict.to, copy.partition, "partition")
        said += differences(verdict.tenant.encode(), copy.key, "key")
        said += differences([*(action.headers or ()), header], list(copy.headers or ()), "headers")
        if action.value != copy.value:
            said.append("value: it is not that of the action")
        return said
