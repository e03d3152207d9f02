"""Makes strange actions: right ones, nearly right ones and broken ones, in every form, from few tenants,
users and ids, so that all rules meet.
"""

import base64
import io
import json
import random

import fastavro

from ..times import to_rfc3339

_TENANTS = ("acme", "Birch-2", "c.d_e", "harbour", "kite", "x" * 64)
_ODD = ("", "é", "学员/7%", "\x85tab\t", "~unknown", "a" * 512, "a" * 513, "\U0001f393")
_JUNK = (
    None,
    True,
    7,
    1.5,
    -0.25,
    10**30,
    "",
    "text",
    [],
    [1],
    {},
    {"a": {"b": [None, 2.50]}},
    [None],
    ["x"],
)
_EVERY_FIELD = (
    "tenant",
    "id",
    "source",
    "action",
    "occurred_at",
    "actor",
    "on_behalf_of",
    "user",
    "object",
    "within",
    "changes",
    "attributes",
    "reason",
    "origin",
    "correlation_id",
    "sequence",
)
_DAY_MS = 86_400_000


class Maker:
    """Makes strange actions by chance; the same seed and time make the same ones."""

    def __init__(self, seed, now, catalog, schemas):
        self.chance, self.now, self.schemas = random.Random(seed), now, schemas
        entries = list(catalog.actions.values())
        often = (
            "learner.purged",
            "learner.purged_from_catalog",
            "certificate.expired",
            "course.updated",
            "course.created",
        )
        self.entries = entries + [entry for entry in entries if entry.action in often] * 8
        self.sequence, self.sent = 0, []

    def record(self):
        """Key, value, headers and tenant of one more."""
        chance = self.chance
        if self.sent and chance.random() < 0.1:
            return chance.choice(self.sent)
        action = self._action()
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            self._change(action)
        value, headers = self._form(action)
        if chance.random() < 0.04:
            value = self._broken(value)
        headers += self._headers()
        tenant = action.get("tenant")
        made = (chance.choice((None, b"", tenant_key(tenant), b"other")), value, headers, tenant)
        self.sent.append(made)
        return made

    def _action(self):
        chance = self.chance
        entry = chance.choice(self.entries)
        self.sequence += chance.choice((1, 1, 1, 2, 3, -5))
        action = {
            "id": f"s-{chance.randrange(40_000)}",
            "source": chance.choice(("lms.web", "hr", "~x")),
            "action": entry.action,
            "occurred_at": to_rfc3339(
                (self.now - chance.randrange(3 * _DAY_MS)) * 1000 + chance.randrange(1000)
            ),
            "tenant": chance.choice(_TENANTS),
            "actor": {"kind": "user", "id": f"u-{chance.randrange(6)}", "roles": ["admin"]},
            "sequence": self.sequence,
        }
        if entry.user or chance.random() < 0.1:
            action["user"] = {"id": f"u-{chance.randrange(8)}"}
        if entry.objects:
            action["object"] = self._thing(chance.choice(entry.objects))
        within = [self._thing(kind) for kind in entry.within[:1]]
        if chance.random() < 0.4:
            within.append(self._thing("catalog"))
        if within:
            action["within"] = within
        if entry.action in ("course.updated", "course.created"):
            action["attributes"] = {"certificate_expiry": chance.choice(("enabled", "disabled", "never"))}
        return action

    def _thing(self, kind):
        return {"kind": kind, "id": f"{kind}-{self.chance.randrange(3)}", "title": "A title"}

    def _change(self, action):
        """Makes one thing of the action strange."""
        chance = self.chance
        name = chance.choice(_EVERY_FIELD)
        part = action.get(name)
        what = chance.randrange(8)
        if what == 0:
            action.pop(name, None)
        elif what == 1:
            action[name] = chance.choice(_JUNK)
        elif what == 2 and isinstance(part, dict) and part:
            part[chance.choice(list(part))] = chance.choice(_JUNK)
        elif what == 3 and isinstance(part, dict):
            part[chance.choice(("new", "a.b", "名"))] = chance.choice(_JUNK)
        elif what == 4:
            action[chance.choice(("specversion", "extra", "x.y", "nested"))] = chance.choice(
                (*_JUNK, "z" * 5_000)
            )
        elif what == 5 and isinstance(part, (str, dict)):
            odd = chance.choice(_ODD)
            if isinstance(part, str):
                action[name] = odd
            elif "id" in part:
                part["id"] = odd
        elif what == 6:
            action["occurred_at"] = self._time()
        else:
            action["changes"] = [
                {"field": "f", "before": chance.choice((1, 2.50, None, True, "x")), "after": 10**20}
            ]

    def _time(self):
        now = self.now
        return self.chance.choice(
            (
                now,
                now - 0.5,
                now + _DAY_MS - 5_000,
                now + _DAY_MS + 60_000,
                0,
                -1,
                631_152_000_000,
                631_151_999_999,
                10**17,
                "2016-12-31T23:59:60Z",
                "2026-01-01T00:00:00+23:59",
                "2026-01-01t00:00:00.1234567890z",
                "2026-01-01T00:00:00",
                "2026-02-30T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "0000-01-01T00:00:00Z",
                f"{now}",
            )
        )

    def _form(self, action):
        """The action's bytes and headers in one of the forms."""
        chance = self.chance
        form = chance.randrange(10)
        if form < 5:
            return self._json(action), []
        if form == 5:
            out = io.BytesIO()
            try:
                at = self.now * 1000 - chance.randrange(10**9)
                fastavro.schemaless_writer(
                    out, self.schemas.newest["action"][2], {**action, "occurred_at": at}
                )
            except Exception:  # too strange for Avro: it goes as JSON
                return self._json(action), []
            return self.schemas.prefix("action") + out.getvalue(), []
        data, about = dict(action), {}
        names = {"id": "id", "source": "source", "action": "type", "tenant": "tenant", "occurred_at": "time"}
        for name, attribute in names.items():
            if name in data and chance.random() < 0.95:
                about[attribute] = data.pop(name)
        about["traceparent"] = "00-trace"
        if chance.random() < 0.2:
            about["extra"] = "an extension"
        if form == 6:
            headers = [
                (f"ce_{name}", str(value).encode()) for name, value in {"specversion": "1.0", **about}.items()
            ]
            return self._json(data), headers
        whole = {"specversion": chance.choice(("1.0", "1.0", "1.0", "0.3")), **about}
        if form == 7:
            whole["data_base64"] = base64.b64encode(self._json(data)).decode()
        else:
            whole["data"] = data
        media = (
            b"application/cloudevents+json",
            b"Application/CloudEvents+JSON; charset=utf-8",
            b"application/cloudevents+xml",
        )
        headers = [] if form == 8 else [("content-type", chance.choice(media))]
        return self._json(whole), headers

    def _json(self, value):
        chance = self.chance
        return json.dumps(
            value, ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, None, 1))
        ).encode()

    def _broken(self, value):
        chance = self.chance
        at = chance.randrange(len(value) + 1)
        return chance.choice(
            (
                b"",
                value[:at],
                value[:at] + chance.randbytes(2) + value[at:],
                value + b" ",
                value + b"x",
                b"\x00" + value,
                value[:-1] + b',"id":"again"}',
                b"[" * 70 + b"]" * 70,
                value.replace(b"id", b"\\ud800", 1),
                b" " * (1 << 20) + value,
            )
        )

    def _headers(self):
        chance = self.chance
        some = (
            ("traceparent", b"00-1"),
            ("traceparent", None),
            ("__lms.replay", b"0:1"),
            ("note", b"\xff\x00"),
            ("__lms.reroute", f"0/{chance.randrange(99)}/3".encode()),
            ("__lms.reroute", b"0/1/12"),
            ("__lms.reroute", b"no"),
            ("baggage", b"b" * 33_000),
            ("__value_schema_id", b"\x00\x00\x00\x00\x07"),
            ("__dlq.errors.reason", b"malformed"),
        )
        return [header for header in some if chance.random() < 0.01]


def tenant_key(tenant):
    """The key a client would give the record."""
    return tenant.encode() if isinstance(tenant, str) else None
