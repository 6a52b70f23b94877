"""The quarantine: what gates said and nobody could read, kept whole with the reason."""

import base64
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import select

from domain.access.tables.place import GateRow
from domain.access.tables.record import QuarantineRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

SCANS = "/up/scan"


class QuarantineItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message. ``payload`` is its text, or base64 where it is none, or withheld: a scan may carry a good pass."""

    quarantine_id: int
    received_at: datetime
    gate_id: int
    topic: str
    reason: str
    bytes: int
    encoding: Literal["text", "base64", "withheld"]
    payload: str


@operation("access.list_quarantine", allow={"guard", "manager", "admin"}, reads=True)
async def list_quarantine(
    ctx: Context, *, site_id: int, gate_id: int | None = None, limit: Limit = 50, cursor: str | None = None
) -> Page[QuarantineItem]:
    """List what gates of a site said and could not be read, newest first."""
    ctx.require("guard", "manager", site_id=site_id)
    gates = select(GateRow.id).where(GateRow.site_id == site_id)
    chosen = select(QuarantineRow).where(QuarantineRow.gate_id.in_(gates))
    if gate_id is not None:
        chosen = chosen.where(QuarantineRow.gate_id == gate_id)
    rows = await ctx.db.scalars(turn(chosen, QuarantineRow.id, limit=limit, cursor=cursor, newest_first=True))
    return page([_item(row) for row in rows], limit, lambda item: item.quarantine_id)


def _item(row: QuarantineRow) -> QuarantineItem:
    encoding, payload = _shown(row)
    return QuarantineItem(
        quarantine_id=row.id,
        received_at=row.received_at,
        gate_id=row.gate_id or 0,
        topic=row.topic,
        reason=row.reason,
        bytes=len(row.payload),
        encoding=encoding,
        payload=payload,
    )


def _shown(row: QuarantineRow) -> tuple[Literal["text", "base64", "withheld"], str]:
    if row.topic.endswith(SCANS):
        return "withheld", ""
    try:
        text = row.payload.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(row.payload).decode()
    return "text", text
