"""The access log as people read it: events with the names that belong to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from domain.access.tables.place import GateRow, ZoneRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of a gate. ``key`` joins the events of one passage: the decision, then the walk.

    What people on duty wrote down says who (``by_...``), why (``note``), at which gate, and by how many it corrects.
    """

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
    at_gate_id: int | None = None
    by_user_id: int | None = None
    by_name: str | None = None
    note: str | None = None
    delta: int | None = None


MOVES = {"passage", "correction", "forgive"}
"""Kinds of events that change where somebody is, or how many are in a zone."""
FIRST_ROWS = 100
"""So many events a screen begins with; older ones it makes no room for."""
Entries = Select[*tuple[Any, ...]]
# Any: the columns that `entries` chooses, by their names
_PASSED = {"passage": True, "no_passage": False}
_VERDICTS = {True: "admit", False: "deny", None: None}
_ALARMS = {"alarm_on", "alarm_off"}
# whoever walked, or might have, had been admitted
_WALKED = {"passage": "admit", "no_passage": "admit"}


@cache
def entries() -> Entries:
    """Return the query for events with what they refer to; columns only, for there may be very many of them."""
    event, guest = AccessLogRow, GuestPassRow
    about = (event.id, event.epoch, event.rid, event.seq, event.at, event.received_at, event.site_id)
    what = (event.gate_id, event.zone_id, event.kind, event.direction, event.admit, event.reason)
    how = (event.detail, event.source, event.historical, event.decision)
    names = (GateRow.name.label("gate_name"), ZoneRow.name.label("zone_name"))
    whom = (guest.id.label("guest_pass_id"), guest.guest_name, guest.host_user_id)
    holder = (GrantRow.holder_name, GrantRow.holder_user_id)
    return (
        select(*about, *what, *how, *names, *whom, *holder)
        .select_from(event)
        .join(GateRow, GateRow.id == event.gate_id)
        .outerjoin(ZoneRow, ZoneRow.id == event.zone_id)
        .outerjoin(guest, guest.grant_id == event.grant_id)
        .outerjoin(GrantRow, GrantRow.id == event.grant_id)
    )


async def read_entries(ctx: Context, chosen: Entries) -> list[LogEntry]:
    """Run such a query and name the hosts, the holders of badges, and whoever on duty wrote something down."""
    rows = (await ctx.db.execute(chosen)).all()
    known = {row.host_user_id for row in rows} | {row.holder_user_id for row in rows}
    known |= {_writer(row.detail) for row in rows}
    names = await names_of(ctx, {user_id for user_id in known if user_id is not None})
    return [_entry(row, names) for row in rows]


def _writer(detail: Mapping[str, Any]) -> int | None:
    """Return who on duty wrote an event down."""
    kind, _, user_id = str(detail.get("by", "")).partition(":")
    return int(user_id) if kind == "user" and user_id.isdecimal() else None


def _entry(row: Row[*tuple[Any, ...]], names: Mapping[int, str]) -> LogEntry:
    about = row.rid or f"s{row.seq}"
    writer = _writer(row.detail)
    return LogEntry(
        access_id=row.id,
        key=f"{row.gate_id}:{row.epoch.hex()}:{about}",
        seq=row.seq,
        at=row.at,
        received_at=row.received_at,
        site_id=row.site_id,
        gate_id=row.gate_id,
        gate_name=row.gate_name,
        zone_id=row.zone_id,
        zone_name=row.zone_name,
        kind=row.kind,
        direction=row.direction,
        verdict=_VERDICTS.get(row.admit) or _WALKED.get(row.kind),
        reason=_reason(row),
        passed=_PASSED.get(row.kind),
        guest_pass_id=row.guest_pass_id,
        person=row.guest_name or row.holder_name or names.get(row.holder_user_id),
        host_user_id=row.host_user_id,
        host_name=names.get(row.host_user_id),
        source=row.source,
        historical=row.historical,
        decision=row.decision,
        at_gate_id=row.detail.get("gate") if writer else None,
        by_user_id=writer,
        by_name=names.get(writer) if writer else None,
        note=row.detail.get("why") if writer else None,
        delta=row.detail.get("delta") if writer else None,
    )


def _reason(row: Row[*tuple[Any, ...]]) -> str | None:
    """Why it happened; of an alarm, which."""
    if row.kind in _ALARMS:
        return str(row.detail.get("alarm") or "") or None
    return row.reason or ("ok" if row.kind in _WALKED else None)


def newest_by_key(found: Sequence[LogEntry]) -> list[LogEntry]:
    """Return one entry per passage, the latest of its events."""
    latest: dict[str, LogEntry] = {}
    for entry in found:
        if entry.key not in latest or latest[entry.key].seq < entry.seq:
            latest[entry.key] = entry
    return list(latest.values())
