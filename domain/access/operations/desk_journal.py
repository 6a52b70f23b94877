"""The desk's journal: what people write down by hand goes into the log through a virtual gate of the site.

1. It is chained and numbered as the journal of any gate, so that it is proved as theirs are.
2. Whatever people on duty say about where somebody is, or how many are in a zone, is an event in it: a replay of the
   log comes to the same state.
3. Whoever writes holds the desk's lock from before the first look till the end of the transaction. It comes before
   the locks of passes, grants and zones.
"""

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import func, select

from domain.access.events import GateChanged
from domain.access.operations.recording import GateEvent, record
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessKeyRow, AccessLogRow
from domain.kernel.context import Context

EPOCH = b"desk\0\0\0\1"
GENESIS = bytes(32)
SALT_BYTES = 16
Kind = Literal["passage", "correction", "forgive"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line to be written: what happened, at which gate or in which zone, to which pass, and why."""

    kind: Kind
    at: datetime
    direction: Literal["in", "out"] | None = None
    reason: str | None = None
    grant_id: int | None = None
    gate_id: int | None = None
    zone_id: int | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)


async def open_desk(ctx: Context, site_id: int) -> GateRow:
    """Return the site's virtual gate, made when first needed, with its lock held."""
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"desk:{site_id}"))))
    found = await ctx.db.scalar(select(GateRow).where(GateRow.site_id == site_id, GateRow.desk))
    if found is not None:
        return found
    row = GateRow(site_id=site_id, name="Desk", desk=True)
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(GateChanged(gate_id=row.id, site_id=site_id), of=row)
    return row


async def write_down(ctx: Context, desk: GateRow, entry: Entry) -> int:
    """Write a line into the journal of an open desk; return its number in the access log."""
    event = _sealed(ctx, desk.id, entry, *await _last(ctx, desk.id))
    await record(ctx, events=[event], poison=[])
    mine = select(AccessLogRow.id).where(
        AccessLogRow.gate_id == desk.id,
        AccessLogRow.epoch == EPOCH,
        AccessLogRow.seq == event.seq,
        # a minute that was sealed already moves the receipt behind it
        AccessLogRow.received_at >= ctx.now,
    )
    return (await ctx.db.scalars(mine)).one()


def to_the_millisecond(moment: datetime) -> datetime:
    """Return a moment as journals keep it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def _last(ctx: Context, desk_id: int) -> tuple[int, bytes]:
    mine = (AccessKeyRow.gate_id == desk_id) & (AccessKeyRow.epoch == EPOCH)
    last = await ctx.db.scalar(select(AccessKeyRow).where(mine).order_by(AccessKeyRow.seq.desc()).limit(1))
    return (last.seq, last.hash) if last else (0, GENESIS)


def _sealed(ctx: Context, desk_id: int, entry: Entry, last: int, previous: bytes) -> GateEvent:
    walked, seq = entry.kind == "passage", last + 1
    salt = ctx.tools.random_bytes(SALT_BYTES) if entry.grant_id is not None else None
    about = {"gate": entry.gate_id, "zone": entry.zone_id if not walked else None, "by": ctx.caller.actor}
    detail = {name: value for name, value in (about | entry.detail).items() if value is not None}
    canonical = _canonical(entry, seq, salt, detail)
    return GateEvent(
        gate_id=desk_id,
        epoch=EPOCH,
        seq=seq,
        at=entry.at,
        clock="ok",
        kind=entry.kind,
        source="online",
        historical=False,
        canonical=canonical,
        previous_hash=previous,
        hash=hashlib.sha256(previous + canonical).digest(),
        direction=entry.direction,
        admit=True if walked else None,
        reason=entry.reason,
        grant_id=entry.grant_id,
        salt=salt,
        at_gate_id=entry.gate_id,
        at_zone_id=entry.zone_id,
        detail=detail,
    )


def _canonical(entry: Entry, seq: int, salt: bytes | None, detail: dict[str, Any]) -> bytes:
    """Return the form that the hash covers, as gates write theirs."""
    person = None if salt is None else hashlib.sha256(salt + str(entry.grant_id).encode()).hexdigest()
    members = {
        "c": entry.reason,
        "d": entry.direction,
        "e": EPOCH.hex(),
        "k": entry.kind,
        "pd": person,
        "r": "admit" if entry.kind == "passage" else None,
        "s": seq,
        "src": "online",
        "t": round(entry.at.timestamp() * 1000),
        "tq": "ok",
        "x": detail,
    }
    known = {name: value for name, value in members.items() if value is not None}
    return msgspec.json.encode(known, order="sorted")
