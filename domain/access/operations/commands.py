"""Commands: what a gate shall do now or not at all. A late "open" is a danger, so it dies after five seconds."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import func, select, update

from domain.access.events import GateCommanded, GateCommandEnded
from domain.access.operations.keys import signing_key
from domain.access.operations.modes import Why
from domain.access.rules.facts import Direction
from domain.access.tables.orders import GateCommandRow
from domain.access.tables.place import GateRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

LASTS = timedelta(seconds=5)
Verb = Literal["open", "identify", "reboot"]
UNDER_WAY = ("waiting", "sent")


class CommandView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One command. ``state`` is waiting, sent, done, failed or expired; ``code`` is the gate's word for it."""

    command_id: str
    gate_id: int
    number: int
    verb: str
    direction: str | None
    reason: str
    ordered_by: int | None
    ordered_at: datetime
    expires_at: datetime
    state: str
    code: str
    answered_at: datetime | None


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate says became of a command."""

    gate_id: int
    command_id: str
    done: bool
    code: str


@operation("access.command_gate", allow={"guard", "desk", "manager", "admin"})
async def command_gate(
    ctx: Context, *, gate_id: int, verb: Verb, reason: Why, direction: Direction | None = None
) -> CommandView:
    """Have a gate open once, show itself, or start anew: within five seconds, or not at all."""
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        raise NotFound(f"There is no gate {gate_id}")
    ctx.require(*STAFF, site_id=gate.site_id)
    if verb == "open" and direction is None:
        raise Invalid.field("direction", "is needed to open: in or out")
    return await _order(ctx, gate, verb, direction if verb == "open" else None, reason)


async def open_for_walk(ctx: Context, gate_id: int, direction: Direction, reason: str) -> CommandView:
    """Have a gate open for a walk that the caller writes down in the desk's journal."""
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        raise NotFound(f"There is no gate {gate_id}")
    return await _order(ctx, gate, "open", direction, reason, written_down=True)


async def _order(
    ctx: Context,
    gate: GateRow,
    verb: Verb,
    direction: Direction | None,
    reason: str,
    *,
    written_down: bool = False,
) -> CommandView:
    await signing_key(ctx)  # made here where there is none yet: those who publish only read
    last = select(func.max(GateCommandRow.number)).where(GateCommandRow.gate_id == gate.id)
    row = GateCommandRow(
        id=ctx.tools.random_bytes(8).hex(),
        gate_id=gate.id,
        number=max((await ctx.db.scalar(last) or 0) + 1, int(ctx.now.timestamp() * 1000)),
        verb=verb,
        direction=direction,
        reason=reason,
        ordered_by=ctx.caller.user_id,
        ordered_at=ctx.now,
        expires_at=ctx.now + LASTS,
        state="waiting",
        code="",
        written_down=written_down,
    )
    ctx.db.add(row)
    told = GateCommanded(
        command_id=row.id,
        gate_id=gate.id,
        site_id=gate.site_id,
        verb=verb,
        direction=row.direction,
        reason=reason,
    )
    ctx.emit(told, of=gate)
    return view(row)


@operation("access.list_commands", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_commands(
    ctx: Context, *, gate_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[CommandView]:
    """List a gate's commands and what became of them, the newest first."""
    gate = await ctx.db.get(GateRow, gate_id)
    if gate is None or not ctx.caller.holds(*STAFF, site_id=gate.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    chosen = select(GateCommandRow).where(GateCommandRow.gate_id == gate_id)
    rows = await ctx.db.scalars(
        turn(chosen, GateCommandRow.number, limit=limit, cursor=cursor, newest_first=True)
    )
    return page([view(row) for row in rows], limit, lambda one: one.number)


@operation("access.report_answers", allow={"service"}, replays=False)
async def report_answers(ctx: Context, *, answers: list[Answer]) -> None:
    """Gates say what became of commands; an answer to one that has ended changes nothing."""
    for answer in sorted(answers, key=lambda one: (one.gate_id, one.command_id)):
        state = "done" if answer.done else "failed"
        await _end(ctx, answer.command_id, answer.gate_id, state, answer.code)


@operation("access.expire_commands", allow={"service"}, replays=False)
async def expire_commands(ctx: Context) -> int:
    """Give up commands nobody answered in time; a gate that gets one now must not obey."""
    # a second more than the gate has, so that an answer on its way is not taken for none
    past = select(GateCommandRow).where(
        GateCommandRow.state.in_(UNDER_WAY), GateCommandRow.expires_at < ctx.now - timedelta(seconds=1)
    )
    rows = (await ctx.db.scalars(past.order_by(GateCommandRow.gate_id, GateCommandRow.id).limit(500))).all()
    for row in rows:
        await _end(ctx, row.id, row.gate_id, "expired", "expired")
    return len(rows)


async def _end(ctx: Context, command_id: str, gate_id: int, state: str, code: str) -> None:
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None:
        return
    ended = update(GateCommandRow).where(
        GateCommandRow.id == command_id,
        GateCommandRow.gate_id == gate_id,
        GateCommandRow.state.in_(UNDER_WAY),
    )
    values = {"state": state, "code": code, "answered_at": ctx.now}
    if await ctx.db.scalar(ended.values(values).returning(GateCommandRow.id)) is not None:
        told = GateCommandEnded(
            command_id=command_id, gate_id=gate_id, site_id=gate.site_id, state=state, code=code
        )
        ctx.emit(told, of=gate)


def view(row: GateCommandRow) -> CommandView:
    """Return a command as people see it."""
    return CommandView(
        command_id=row.id,
        gate_id=row.gate_id,
        number=row.number,
        verb=row.verb,
        direction=row.direction,
        reason=row.reason,
        ordered_by=row.ordered_by,
        ordered_at=row.ordered_at,
        expires_at=row.expires_at,
        state=row.state,
        code=row.code,
        answered_at=row.answered_at,
    )
