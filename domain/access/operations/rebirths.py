"""Rebirths: which gates speak in a session whose beginning nobody here heard, so that they are asked to tell it again.

A birth is lost with a broker that kept nothing, or with what was written after the backup that the database is now.
"""

import msgspec
from sqlalchemy import select

from domain.access.tables.place import GateRow
from domain.kernel.context import Context
from domain.kernel.operations import operation


class Sighting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A gate was heard, writing this journal; in which session, only a heartbeat tells."""

    gate_id: int
    epoch: bytes
    session: int | None = None


@operation("access.list_unborn", allow={"service"}, reads=True)
async def list_unborn(ctx: Context, *, sightings: list[Sighting]) -> list[int]:
    """List the gates that were heard in a session or an epoch later than their last known birth."""
    heard = {sighting.gate_id: sighting for sighting in sightings}
    chosen = select(GateRow.id, GateRow.epoch, GateRow.birth).where(GateRow.id.in_(heard), ~GateRow.desk)
    rows = await ctx.db.execute(chosen.order_by(GateRow.id))
    return [gate_id for gate_id, epoch, birth in rows if _is_later(heard[gate_id], epoch, birth)]


def _is_later(heard: Sighting, epoch: bytes | None, birth: int) -> bool:
    return heard.epoch != epoch or (heard.session is not None and heard.session > birth)
