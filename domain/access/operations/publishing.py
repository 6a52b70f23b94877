"""Publishing: what the bridge has to give gates of their orders, signed, until the broker has it.

Level-triggered: what the database says is not out is given out again. Twice does no harm, since revisions and numbers
only grow. A broker that lost its retained messages is brought up to date by `access.republish_orders`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, tuple_, update

from domain.access.operations.keys import signing_key
from domain.access.rules import orders
from domain.access.tables.orders import GateCommandRow, GateOrderRow
from domain.access.tables.place import GateRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

MOST = 1000


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message for one gate: its members as the wire has them, signature and all, and what to say when it is out."""

    gate_id: int
    site_id: int
    members: Mapping[str, Any]
    revision: int = 0
    command_id: str = ""


class Published(msgspec.Struct, frozen=True, rename="camel"):
    """An order as the broker has it now."""

    gate_id: int
    revision: int


@operation("access.list_unpublished_orders", allow={"service"}, reads=True)
async def list_unpublished_orders(ctx: Context) -> list[Outgoing]:
    """List the orders that the broker does not have yet."""
    chosen = select(GateOrderRow, GateRow.site_id).join(GateRow, GateRow.id == GateOrderRow.gate_id)
    unpublished = chosen.where(GateOrderRow.published != GateOrderRow.revision)
    rows = (await ctx.db.execute(unpublished.order_by(GateOrderRow.gate_id).limit(MOST))).all()
    if not rows:
        return []
    key_id, key = await _key(ctx)
    return [
        Outgoing(
            gate_id=row.gate_id,
            site_id=site_id,
            revision=row.revision,
            members=_signed("desired", site_id, row.gate_id, _desired(row, key_id), key),
        )
        for row, site_id in rows
    ]


@operation("access.orders_published", allow={"service"}, replays=False)
async def orders_published(ctx: Context, *, orders: list[Published]) -> None:
    """Note that the broker has these."""
    those = tuple_(GateOrderRow.gate_id, GateOrderRow.revision).in_([(o.gate_id, o.revision) for o in orders])
    await ctx.db.execute(update(GateOrderRow).where(those).values(published=GateOrderRow.revision))


@operation("access.republish_orders", allow={"service", "admin"}, replays=False)
async def republish_orders(ctx: Context) -> None:
    """Have every order sent to the broker again, for a broker that has lost its retained messages."""
    await ctx.db.execute(update(GateOrderRow).values(published=0))


@operation("access.list_waiting_commands", allow={"service"}, reads=True)
async def list_waiting_commands(ctx: Context) -> list[Outgoing]:
    """List the commands that are not out and still good for something."""
    chosen = select(GateCommandRow, GateRow.site_id).join(GateRow, GateRow.id == GateCommandRow.gate_id)
    waiting = chosen.where(GateCommandRow.state == "waiting", GateCommandRow.expires_at > ctx.now)
    rows = (await ctx.db.execute(waiting.order_by(GateCommandRow.ordered_at).limit(MOST))).all()
    if not rows:
        return []
    key_id, key = await _key(ctx)
    return [
        Outgoing(
            gate_id=row.gate_id,
            site_id=site_id,
            command_id=row.id,
            members=_signed("command", site_id, row.gate_id, _command(row, key_id), key),
        )
        for row, site_id in rows
    ]


@operation("access.commands_sent", allow={"service"}, replays=False)
async def commands_sent(ctx: Context, *, command_ids: list[str]) -> None:
    """Note that these were handed to the broker; an answer may have been faster."""
    sent = update(GateCommandRow).where(GateCommandRow.id.in_(command_ids), GateCommandRow.state == "waiting")
    await ctx.db.execute(sent.values(state="sent"))


async def _key(ctx: Context) -> tuple[int, Ed25519PrivateKey]:
    row = await signing_key(ctx)
    return row.id, Ed25519PrivateKey.from_private_bytes(row.seed)


def _signed(
    purpose: orders.Purpose, site_id: int, gate_id: int, members: dict[str, Any], key: Ed25519PrivateKey
) -> dict[str, Any]:
    known = {name: value for name, value in members.items() if value not in (None, "")}
    return known | {orders.SIGNATURE: orders.sign(purpose, site_id, gate_id, known, key)}


def _desired(row: GateOrderRow, key_id: int) -> dict[str, Any]:
    return {
        "rev": row.revision,
        "mode": row.mode,
        "until": _ms(row.until),
        "why": row.reason,
        "k": key_id,
    }


def _command(row: GateCommandRow, key_id: int) -> dict[str, Any]:
    return {
        "cid": row.id,
        "n": row.number,
        "verb": row.verb,
        "d": row.direction,
        "t": _ms(row.ordered_at),
        "exp": _ms(row.expires_at),
        "why": row.reason,
        "k": key_id,
    }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
