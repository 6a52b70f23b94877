"""Explanations: how a decision was reached, in words, for whoever is asked about it at the desk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select

from domain.access.operations.grants import zones_of
from domain.access.rules.explanation import Explanation, Line, Place, explain
from domain.access.rules.reasons import Language, Reason
from domain.access.rules.verdict import Step
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import DecisionRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.sites.operations import time_zone_of

NEAR = timedelta(minutes=2)
"""Between a decision and the receipt of a live event about it."""


class DecisionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision of the server: what happened, why, what to do next, each rule in a sentence, and the trace itself."""

    decision: str
    gate_id: int
    pass_id: int | None
    method: str
    direction: str
    admit: bool
    reason: str
    at: datetime
    happened: str
    why: str
    next: str
    rules: Sequence[Line]
    trace: Sequence[Step]


@operation("access.explain_decision", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def explain_decision(ctx: Context, *, access_id: int, language: Language = "en") -> DecisionView:
    """Tell how the decision behind an entry of the access log was reached, rule by rule, to staff of the site."""
    event = await ctx.db.scalar(select(AccessLogRow).where(AccessLogRow.id == access_id))
    if event is None or not ctx.caller.holds(*STAFF, site_id=event.site_id):
        raise NotFound(f"There is no entry {access_id} in the access log")
    row = await _decision(ctx, event)
    if row is None:
        raise NotFound(
            "No decision of the server is kept for this entry: the gate decided alone, or nobody did"
        )
    trace = msgspec.convert(row.trace, tuple[Step, ...])
    told = explain(trace, row.admit, Reason(row.reason), await _place(ctx, event.site_id), language)
    return _view(row, trace, told)


async def _decision(ctx: Context, event: AccessLogRow) -> DecisionRow | None:
    if event.decision is not None:
        named = (DecisionRow.id == event.decision) & (DecisionRow.gate_id == event.gate_id)
        return await ctx.db.scalar(select(DecisionRow).where(named))
    if event.rid is None:
        return None
    asked = (
        (DecisionRow.gate_id == event.gate_id)
        & (DecisionRow.epoch == event.epoch)
        & (DecisionRow.rid == event.rid)
        # by the index of moments: the few that answered a gate that had stopped waiting
        & DecisionRow.at.between(event.received_at - NEAR, event.received_at + NEAR)
    )
    return await ctx.db.scalar(select(DecisionRow).where(asked).order_by(DecisionRow.at.desc()).limit(1))


async def _place(ctx: Context, site_id: int) -> Place:
    zones = {zone.id: zone for zone in await zones_of(ctx, site_id)}
    chosen = select(GateRow).where(GateRow.site_id == site_id, ~GateRow.desk, GateRow.enabled)
    ways = defaultdict[int, list[str]](list)
    for gate in await ctx.db.scalars(chosen.order_by(GateRow.name)):
        if gate.to_zone_id is not None:
            ways[zones[gate.to_zone_id].ordinal].append(gate.name)
    names: Mapping[int, str] = {zone.ordinal: zone.name for zone in zones.values()}
    return Place(time_zone=await time_zone_of(ctx, site_id), zones=names, ways=ways)


def _view(row: DecisionRow, trace: Sequence[Step], told: Explanation) -> DecisionView:
    return DecisionView(
        decision=row.id,
        gate_id=row.gate_id,
        pass_id=row.grant_id,
        method=row.method,
        direction=row.direction,
        admit=row.admit,
        reason=row.reason,
        at=row.at,
        happened=told.happened,
        why=told.why,
        next=told.next,
        rules=told.rules,
        trace=trace,
    )
