"""The account of a site: everything the log, and what was settled of it, says about where everybody is."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from domain.access.rules.passage import Standing, Walk, moment
from domain.access.rules.replay import Replay, Tally
from domain.access.tables.occupancy import SettlementRow
from domain.access.tables.place import GateRow
from domain.kernel import queries
from domain.kernel.context import Context

AT_ONCE = 5_000
Way = tuple[int | None, int | None]


class Account(msgspec.Struct):
    """What the log comes to (``replay``), beside what was settled before and what the tables say now."""

    replay: Replay = msgspec.field(default_factory=Replay)
    events: int = 0
    settled: dict[int, Standing] = msgspec.field(default_factory=dict)
    live_passes: dict[int, Standing] = msgspec.field(default_factory=dict)
    live_zones: dict[int, int] = msgspec.field(default_factory=dict)


async def account_of(ctx: Context, site_id: int, *, before: datetime | None = None) -> Account:
    """Go through the log of a site, or the part of it that was received before a moment."""
    gates = select(GateRow.id, GateRow.desk, GateRow.from_zone_id, GateRow.to_zone_id)
    ways: dict[tuple[int, str], Way] = {}
    desk_id = 0
    for gate_id, desk, from_zone, to_zone in await ctx.db.execute(gates.where(GateRow.site_id == site_id)):
        desk_id = gate_id if desk else desk_id
        ways[gate_id, "in"], ways[gate_id, "out"] = (from_zone, to_zone), (to_zone, from_zone)
    account = Account()
    floor = await ctx.db.scalar(select(SettlementRow.before).where(SettlementRow.site_id == site_id))
    given = {"site_id": site_id, "desk_id": desk_id, "before": before, "floor": floor}
    async for rows in _rows(ctx, "occupancy_of_site", given):
        _fold(account, ways, rows)
    return account


def _fold(account: Account, ways: dict[tuple[int, str], Way], rows: Sequence[Any]) -> None:
    replay = account.replay
    for what, number, at, gate_id, pass_id, zone_id, amount, received_at, historical, clock in rows:
        match what:
            case "in" | "out":
                account.events += 1
                left, entered = ways[gate_id, what]
                when = moment(at, received_at, historical=historical, clock=clock)
                if amount is None:
                    replay.walk(Walk(number, left, entered, when), pass_id)
                else:
                    replay.pass_by(left, entered)
            case "forgive":
                account.events += 1
                replay.put(number, at, (amount, zone_id), pass_id)
            case "correction":
                account.events += 1
                replay.correct(zone_id, amount)
            case "settled":
                account.settled[pass_id] = standing = Standing(zone_id, amount, at, number or 0)
                replay.add_pass(pass_id, standing)
            case "tally":
                replay.add_zone(zone_id, Tally(number, gate_id, pass_id, amount))
            case "pass":
                account.live_passes[pass_id] = Standing(zone_id, amount, at, number or 0)
            case "zone":
                account.live_zones[zone_id] = amount


async def _rows(ctx: Context, name: str, given: dict[str, Any]) -> AsyncIterator[Sequence[Any]]:
    """Read by a cursor of asyncpg itself: a million rows through SQLAlchemy would cost seconds more.

    asyncpg closes no cursor before its transaction ends, and an open one keeps partitions from being dropped. So it
    lives in a savepoint that is rolled back.
    """
    connection = await ctx.db.connection()
    compiled = queries.load("domain.access", name).compile(dialect=connection.dialect)
    arguments = [given[parameter] for parameter in compiled.positiontup or ()]
    raw: Any = (await connection.get_raw_connection()).driver_connection  # Any: asyncpg has no types
    savepoint = raw.transaction()
    await savepoint.start()
    try:
        cursor = await raw.cursor(str(compiled), *arguments)
        while rows := await cursor.fetch(AT_ONCE):
            yield rows
    finally:
        await savepoint.rollback()
