"""What courses and training plans set, and the certificates that do not expire because of it."""

from .keys import row_key

_KINDS = ("course", "training_plan")
_SET_BY = ("course.created", "course.updated", "training_plan.created", "training_plan.updated")


def order_of(raw, event_id, digest):
    """Where an event stands in the register's order; an absent sequence comes first."""
    sequence = raw.sequence
    return (raw.occurred_at, raw.source, (0, 0) if sequence is None else (1, sequence), event_id, digest)


def order_key(order):
    """The order as a row holds it."""
    occurred_at, source, (has_sequence, sequence), event_id, digest = order
    return {
        "occurred_at": occurred_at,
        "source": source,
        "sequence": sequence if has_sequence else None,
        "event_id": event_id,
        "digest": digest,
    }


class Settings:
    """The settings of every course and training plan."""

    def __init__(self):
        # By tenant, kind and id: certificate expiry, order of the event that set it, its received_at.
        self.rows = {}

    def suppress(self, raw, entry):
        """Whether a certificate's expiry makes no event: something it lies in has that disabled."""
        if entry.event_type != "CertificateExpired":
            return False
        things = [thing for thing in raw.within if thing["kind"] in _KINDS]
        return any(
            self.rows.get((raw.tenant, thing["kind"], thing["id"]), ("",))[0] == "disabled"
            for thing in things
        )

    def learn(self, raw, digest, event_id, received_at):
        """Takes what a recorded action sets, unless an event later in the register's order has set it."""
        if raw.action not in _SET_BY or raw.attributes is None:
            return
        expiry = raw.attributes.get("certificate_expiry")
        if expiry not in ("enabled", "disabled"):
            return
        key, order = (raw.tenant, raw.object["kind"], raw.object["id"]), order_of(raw, event_id, digest)
        held = self.rows.get(key)
        if held is None or held[1] < order:
            self.rows[key] = (expiry, order, received_at)

    def expected(self):
        """Key, tenant, timestamp and datum of each row."""
        for (tenant, kind, name), (expiry, order, received_at) in self.rows.items():
            datum = {
                "tenant": tenant,
                "kind": kind,
                "id": name,
                "certificate_expiry": expiry,
                "set": order_key(order),
                "received_at": received_at,
            }
            yield row_key(tenant, kind, name), tenant, received_at // 1000, datum
