"""What is wrong at a gate right now, as it says itself whenever it comes back; its open alarms are brought to that.

A gate's word is retained at the broker, which gives it again after every reconnect of either side. Only what differs
from the open alarms is raised or cleared, so that the same word counts once.
"""

from datetime import datetime
from typing import Literal, get_args

import msgspec
from sqlalchemy import select

from domain.access.operations.alarms import UNDER_WAY, clear_alarm, raise_alarm
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.place import GateRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

Kind = Literal["held_open", "forced", "tamper", "fire", "jam", "psu", "tailgate"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What gates sense. Alarms of other kinds are the server's, and no gate's word clears them."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that is wrong, and the event of the gate's journal that told its beginning (0 = none did)."""

    kind: Kind
    since: datetime
    seq: int = 0


@operation("access.report_conditions", allow={"service"}, replays=False)
async def report_conditions(
    ctx: Context, *, gate_id: int, conditions: list[Condition]
) -> Literal["taken", "unknown"]:
    """A gate says all that is wrong with it: what it leaves out is over, what is new is raised."""
    # locked, so that two words of one gate are taken one after the other
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        return "unknown"
    opened = select(AlarmRow.kind).where(
        AlarmRow.gate_id == gate_id, AlarmRow.state.in_(UNDER_WAY), AlarmRow.kind.in_(KINDS)
    )
    sounding = set((await ctx.db.scalars(opened)).all())
    told = {condition.kind: condition for condition in conditions}
    for kind in KINDS:
        if kind in told and kind not in sounding:
            detail = {"since": told[kind].since.isoformat(), "seq": told[kind].seq}
            await raise_alarm(ctx, kind, site_id=gate.site_id, gate_id=gate_id, detail=detail)
        elif kind in sounding and kind not in told:
            await clear_alarm(ctx, kind, site_id=gate.site_id, gate_id=gate_id)
    return "taken"


async def is_told(ctx: Context, kind: str, *, gate_id: int, seq: int) -> bool:
    """Return whether an open alarm was raised by a condition that named this very event as its beginning.

    A gate that comes back says its conditions before its journal has come up to them.
    """
    same = select(AlarmRow.id).where(
        AlarmRow.gate_id == gate_id,
        AlarmRow.kind == kind,
        AlarmRow.state.in_(UNDER_WAY),
        AlarmRow.detail["seq"].as_integer() == seq,
        AlarmRow.detail.has_key("since"),
    )
    return await ctx.db.scalar(same.limit(1)) is not None
