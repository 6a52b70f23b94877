"""What a gate says of itself: as whom it connects, its birth after each connection, its heartbeat in between."""

from gate_bridge import wire
from simulators.journal import Journal
from simulators.link import Account
from simulators.lists import Lists
from simulators.orders import Orders
from simulators.plan import GatePlan

FIRMWARE = "gatehouse-simulator 1"


def account_of(plan: GatePlan, broker: str, ca_file: str | None) -> Account:
    """Returns where and as whom the gate connects."""
    return Account(
        broker=broker,
        username=plan.username or str(plan.gate_id),
        password=plan.password,
        ca_file=ca_file,
        keepalive_s=plan.keepalive_s,
        version=plan.mqtt,
    )


def birth(plan: GatePlan, journal: Journal, orders: Orders, lists: Lists, now_ms: int) -> wire.Birth:
    """Returns that the gate is there, what it can do, and what its journal keeps."""
    kept = wire.JournalRange(
        journal.acknowledged + 1 if journal.depth else 0, journal.last_seq if journal.depth else 0
    )
    return wire.Birth(
        epoch=journal.epoch,
        session=journal.session,
        journal=kept,
        clock_ms=now_ms,
        firmware=FIRMWARE,
        hardware="simulated",
        capabilities=("qr", "nfc", "pin", "plate"),
        directions=plan.directions,
        list_revision=lists.revision,
        mode=orders.mode(now_ms),
    )


def heartbeat(
    journal: Journal, orders: Orders, lists: Lists, now_ms: int, *, offset_ms: int, uptime_s: float
) -> wire.Heartbeat:
    """Returns how the gate is, and what it has taken over of what it was told."""
    return wire.Heartbeat(
        epoch=journal.epoch,
        session=journal.session,
        last_seq=journal.last_seq,
        acknowledged_seq=journal.acknowledged,
        queue_depth=journal.depth,
        uptime_s=int(uptime_s),
        power="mains",
        clock_offset_ms=offset_ms,
        reported=wire.Reported(
            mode=orders.mode(now_ms), revision=orders.revision, list_revision=lists.revision
        ),
    )
