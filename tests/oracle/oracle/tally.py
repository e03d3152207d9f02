"""What was found: counts per topic, and the first examples of each kind in each topic."""

# Lost: expected and not there. Doubled: made of an action that has its outcome already, or that the committed
# offset does not cover, so that it will be made again. Differing: at its place, but not what it must be.
KINDS = ("lost", "doubled", "out_of_order", "differing")
# So many examples of each kind are named for each topic.
EXAMPLES = 5


class Tally:
    """Counts what agrees and what does not."""

    def __init__(self):
        self.topics, self.examples, self.notes = {}, [], []

    def judged(self, topic, count=1):
        """So many expected records or rows were looked for."""
        self._of(topic)["judged"] += count

    def add(self, kind, topic, partition, offset, key, problem):
        """One record or row is not as it must be; `problem` says what was expected and what was found."""
        counts = self._of(topic)
        counts[kind] += 1
        if counts[kind] <= EXAMPLES:
            self.examples.append(
                {
                    "kind": kind,
                    "topic": topic,
                    "partition": partition,
                    "offset": offset,
                    "key": shown(key),
                    "problem": problem,
                }
            )

    def note(self, text):
        """Something that was not judged, or must be known beside the counts."""
        self.notes.append(text)

    def total(self):
        """The counts over all topics."""
        return {kind: sum(counts[kind] for counts in self.topics.values()) for kind in ("judged", *KINDS)}

    def agrees(self):
        """Whether nothing is amiss."""
        return not any(counts[kind] for counts in self.topics.values() for kind in KINDS)

    def _of(self, topic):
        counts = self.topics.get(topic)
        if counts is None:
            counts = self.topics[topic] = dict.fromkeys(("judged", *KINDS), 0)
        return counts


def shown(value, most=160):
    """A value for people: short, on one line, without what garbles a terminal."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            value = value.hex()
    text = value if isinstance(value, str) else "none" if value is None else repr(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def differences(expected, found, where=""):
    """What differs between two datums, field by field."""
    if isinstance(expected, dict) and isinstance(found, dict):
        said = []
        for name in dict.fromkeys([*expected, *found]):
            path = f"{where}.{name}" if where else name
            if name not in found or name not in expected:
                here = "is missing" if name not in found else f"is {shown(found[name])}, nothing expected"
                said.append(f"{path} {here}")
            else:
                said.extend(differences(expected[name], found[name], path))
        return said
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [said for place, pair in pairs for said in differences(*pair, f"{where}[{place}]")]
    if expected == found and type(expected) is type(found):
        return []
    return [f"{where or 'value'}: expected {shown(expected)}, found {shown(found)}"]
