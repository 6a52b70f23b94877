"""The access log as people read it: events with the names that belong to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Select, select

from domain.access.tables.place import GateRow, ZoneRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GuestPassRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of a gate. ``key`` joins the events of one passage: the decision, then the walk."""

    access_id: int
    key: str
    seq: int
    at: datetime
    received_at: datetime
    site_id: int
    gate_id: int
    gate_name: str
    zone_id: int | None
    zone_name: str | None
    kind: str
    direction: str | None
    verdict: str | None
    reason: str | None
    passed: bool | None
    guest_pass_id: int | None
    person: str | None
    host_user_id: int | None
    host_name: str | None
    source: str
    historical: bool
    decision: str | None


Entries = Select[AccessLogRow, GateRow, ZoneRow, GuestPassRow]
_PASSED = {"passage": True, "no_passage": False}
_VERDICTS = {True: "admit", False: "deny", None: None}
_ALARMS = {"alarm_on", "alarm_off"}
# whoever walked, or might have, had been admitted
_WALKED = {"passage": "admit", "no_passage": "admit"}


def entries() -> Entries:
    """Return the query for events with what they refer to."""
    return (
        select(AccessLogRow, GateRow, ZoneRow, GuestPassRow)
        .join(GateRow, GateRow.id == AccessLogRow.gate_id)
        .outerjoin(ZoneRow, ZoneRow.id == AccessLogRow.zone_id)
        .outerjoin(GuestPassRow, GuestPassRow.grant_id == AccessLogRow.grant_id)
    )


async def read_entries(ctx: Context, chosen: Entries) -> list[LogEntry]:
    """Run such a query and name the hosts."""
    rows = (await ctx.db.execute(chosen)).all()
    guests: list[GuestPassRow | None] = [guest for _, _, _, guest in rows]
    hosts = await names_of(ctx, {guest.host_user_id for guest in guests if guest is not None})
    return [_entry(event, gate, zone, guest, hosts) for event, gate, zone, guest in rows]


def _entry(
    event: AccessLogRow,
    gate: GateRow,
    zone: ZoneRow | None,
    guest: GuestPassRow | None,
    hosts: Mapping[int, str],
) -> LogEntry:
    about = event.rid or f"s{event.seq}"
    return LogEntry(
        access_id=event.id,
        key=f"{event.gate_id}:{event.epoch.hex()}:{about}",
        seq=event.seq,
        at=event.at,
        received_at=event.received_at,
        site_id=event.site_id,
        gate_id=event.gate_id,
        gate_name=gate.name,
        zone_id=event.zone_id,
        zone_name=zone.name if zone else None,
        kind=event.kind,
        direction=event.direction,
        verdict=_VERDICTS.get(event.admit) or _WALKED.get(event.kind),
        reason=_reason(event),
        passed=_PASSED.get(event.kind),
        guest_pass_id=guest.id if guest else None,
        person=guest.guest_name if guest else None,
        host_user_id=guest.host_user_id if guest else None,
        host_name=hosts.get(guest.host_user_id) if guest else None,
        source=event.source,
        historical=event.historical,
        decision=event.decision,
    )


def _reason(event: AccessLogRow) -> str | None:
    """Why it happened; of an alarm, which."""
    if event.kind in _ALARMS:
        return str(event.detail.get("alarm") or "") or None
    return event.reason or ("ok" if event.kind in _WALKED else None)


def newest_by_key(found: Sequence[LogEntry]) -> list[LogEntry]:
    """Return one entry per passage, the latest of its events."""
    latest: dict[str, LogEntry] = {}
    for entry in found:
        if entry.key not in latest or latest[entry.key].seq < entry.seq:
            latest[entry.key] = entry
    return list(latest.values())
