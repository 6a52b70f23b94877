"""Omissions: notes of what was taken out of the log on purpose, signed in the transaction that takes it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlalchemy import insert, select

from domain.access.operations.roots import evidence_key
from domain.access.rules.statements import Kind, Omission
from domain.access.tables.evidence import EvidenceKeyRow, OmissionRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn


class OmissionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was taken out of one day: its events (``dropped``), or the person out of some of them (``erased``)."""

    omission_id: int
    site_id: int
    day: date
    kind: Kind
    events: int
    unreadable: int
    term_days: int | None
    at: datetime
    key: str
    signature: str
    public_key: str


@operation("access.list_log_omissions", allow={"manager", "admin", "service"}, reads=True)
async def list_log_omissions(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[OmissionView]:
    """List what was taken out of a site's log on purpose, oldest first: days that had their term, persons erased."""
    ctx.require("manager", site_id=site_id)
    chosen = select(OmissionRow, EvidenceKeyRow.public_key)
    chosen = chosen.join(EvidenceKeyRow, EvidenceKeyRow.id == OmissionRow.key)
    chosen = turn(chosen.where(OmissionRow.site_id == site_id), OmissionRow.id, limit=limit, cursor=cursor)
    rows = (await ctx.db.execute(chosen)).all()
    return page([_view(row, public) for row, public in rows], limit, lambda one: one.omission_id)


async def note_dropped(
    ctx: Context, site_id: int, day: date, *, events: int, unreadable: int, term_days: int
) -> None:
    """Note that a day of a site has had its term."""
    await _note(ctx, site_id, day, "dropped", events, unreadable, term_days)


async def note_erased(ctx: Context, by_day: Mapping[tuple[int, date], int]) -> None:
    """Note, by site and day, from how many events a person was taken out."""
    for (site_id, day), events in sorted(by_day.items()):
        await _note(ctx, site_id, day, "erased", events, 0, None)


def omission_in(shown: OmissionView) -> Omission:
    """Return what an omission that was shown states."""
    return Omission(
        site_id=shown.site_id,
        day=shown.day,
        kind=shown.kind,
        events=shown.events,
        unreadable=shown.unreadable,
        term_days=shown.term_days,
        at=shown.at,
        key=shown.key,
        signature=bytes.fromhex(shown.signature),
    )


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day of receipt, which is one of UTC, and the first of the next."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)


async def _note(
    ctx: Context, site_id: int, day: date, kind: Kind, events: int, unreadable: int, term_days: int | None
) -> None:
    key, private = await evidence_key(ctx)
    made = Omission(
        site_id=site_id,
        day=day,
        kind=kind,
        events=events,
        unreadable=unreadable,
        term_days=term_days,
        at=ctx.now.replace(microsecond=0),
        key=key,
    ).signed(private)
    await ctx.db.execute(insert(OmissionRow), msgspec.structs.asdict(made))


def _view(row: OmissionRow, public_key: bytes) -> OmissionView:
    return OmissionView(
        omission_id=row.id,
        site_id=row.site_id,
        day=row.day,
        kind=row.kind,
        events=row.events,
        unreadable=row.unreadable,
        term_days=row.term_days,
        at=row.at,
        key=row.key,
        signature=row.signature.hex(),
        public_key=public_key.hex(),
    )
