"""Roots: one signed hash per site and minute over all that its gates reported, so that the log can be proved to others.

Only sealed minutes are signed, only one process signs at a time, and a minute without events has no root.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, Select, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.access.operations.access_log import SINCE, aware
from domain.access.rules.minutes import Minute, key_leaf, row_of
from domain.access.rules.statements import FIRST, Root, key_id
from domain.access.tables.evidence import EvidenceKeyRow, LogRootRow, LogSealRow
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessKeyRow, AccessLogRow
from domain.kernel.context import Context
from domain.kernel.keys import Keys
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

MINUTE = timedelta(minutes=1)
MINUTES_AT_ONCE = 500
AT_ONCE = 200_000
"""Minutes, or leaves, after which a transaction ends; the next one goes on."""
FETCHED = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Leaf = Row[*tuple[Any, ...]]
# Any: the columns that `_leaves` chooses


class RootView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The signed root of one minute. Hashes, signature and public key are hexadecimal; ``minute`` is Unix seconds."""

    site_id: int
    number: int
    minute: int
    count: int
    root: str
    rows: str
    previous: str
    key: str
    signature: str
    public_key: str


def own_key(keys: Keys) -> tuple[str, Ed25519PrivateKey]:
    """Return the key that signs what the server states about its log, and its name.

    It is derived from the installation's secret and is in no database: who has the database alone signs nothing.
    """
    private = keys.signing("evidence of the access log")
    return key_id(private.public_key().public_bytes_raw()), private


async def evidence_key(ctx: Context) -> tuple[str, Ed25519PrivateKey]:
    """Return the key that signs, known by its public half from now on."""
    name, private = own_key(ctx.tools.keys)
    public = private.public_key().public_bytes_raw()
    known = upsert(EvidenceKeyRow).values(id=name, public_key=public, since=ctx.now)
    await ctx.db.execute(known.on_conflict_do_nothing())
    return name, private


@operation("access.sign_roots", allow={"service"}, replays=False)
async def sign_roots(ctx: Context) -> int:
    """Sign the minutes that are sealed and have no root yet, some at a time; return how many events they have."""
    seal = await ctx.db.scalar(select(LogSealRow).with_for_update(key_share=True, skip_locked=True))
    if seal is None:
        return 0
    signed = 0
    for _ in range(MINUTES_AT_ONCE):
        minute = await _next_minute(ctx, seal)
        seal.rooted = seal.until if minute is None else minute + MINUTE
        if minute is None:
            break
        signed += await _sign(ctx, minute)
        if signed >= AT_ONCE:
            break
    return signed


@operation("access.list_log_roots", allow={"manager", "admin", "service"}, reads=True, aliases=SINCE)
async def list_log_roots(
    ctx: Context,
    *,
    site_id: int,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[RootView]:
    """List the signed roots of a site's minutes, oldest first: who keeps them can tell whether the log was changed.

    What they prove, and how to check them without this server, is in docs/evidence.md.
    """
    ctx.require("manager", site_id=site_id)
    chosen = roots().where(LogRootRow.site_id == site_id)
    if since is not None:
        chosen = chosen.where(LogRootRow.minute >= aware("from", since))
    if until is not None:
        chosen = chosen.where(LogRootRow.minute < aware("to", until))
    rows = (await ctx.db.execute(turn(chosen, LogRootRow.number, limit=limit, cursor=cursor))).all()
    return page([view(row, public) for row, public in rows], limit, lambda one: one.number)


def roots() -> Select[LogRootRow, bytes]:
    """Return the query for roots with the public keys that verify them."""
    chosen = select(LogRootRow, EvidenceKeyRow.public_key)
    return chosen.join(EvidenceKeyRow, EvidenceKeyRow.id == LogRootRow.key)


def view(row: LogRootRow, public_key: bytes) -> RootView:
    """Return a root as it is shown."""
    return RootView(
        site_id=row.site_id,
        number=row.number,
        minute=int(row.minute.timestamp()),
        count=row.count,
        root=row.root.hex(),
        rows=row.rows.hex(),
        previous=row.previous.hex(),
        key=row.key,
        signature=row.signature.hex(),
        public_key=public_key.hex(),
    )


def root_in(shown: RootView) -> Root:
    """Return what a root that was shown states."""
    return Root(
        site_id=shown.site_id,
        number=shown.number,
        minute=shown.minute,
        count=shown.count,
        root=bytes.fromhex(shown.root),
        rows=bytes.fromhex(shown.rows),
        previous=bytes.fromhex(shown.previous),
        key=shown.key,
        signature=bytes.fromhex(shown.signature),
    )


def stated(row: LogRootRow) -> Root:
    """Return what a row states."""
    return Root(
        site_id=row.site_id,
        number=row.number,
        minute=int(row.minute.timestamp()),
        count=row.count,
        root=row.root,
        rows=row.rows,
        previous=row.previous,
        key=row.key,
        signature=row.signature,
    )


async def minutes_of(ctx: Context, minute: datetime, site_id: int | None = None) -> Mapping[int, Minute]:
    """Return the leaves of a minute by site, of one site or of all."""
    found: dict[int, Minute] = {}
    async for site, gate_id, epoch, seq, at, own, log_id, zone_id, late in _leaves(ctx, minute, site_id):
        leaves = found.setdefault(site, Minute())
        leaves.keys.append(key_leaf(gate_id, epoch, seq, (at - EPOCH) // timedelta(microseconds=1), own))
        if log_id is not None:
            leaves.rows.append(row_of(gate_id, epoch, seq, log_id, zone_id, bool(late)))
    return found


async def _next_minute(ctx: Context, seal: LogSealRow) -> datetime | None:
    """Return the first minute with events that has no root and is sealed."""
    key = AccessKeyRow.received_at
    first = select(key).where(key >= seal.rooted, key < seal.until).order_by(key).limit(1)
    received = await ctx.db.scalar(first)
    return None if received is None else received.replace(second=0, microsecond=0)


async def _sign(ctx: Context, minute: datetime) -> int:
    key, private = await evidence_key(ctx)
    signed = 0
    for site_id, leaves in sorted((await minutes_of(ctx, minute)).items()):
        newest = select(LogRootRow).where(LogRootRow.site_id == site_id).order_by(LogRootRow.number.desc())
        last = await ctx.db.scalar(newest.limit(1))
        root, rows = leaves.roots()
        made = Root(
            site_id=site_id,
            number=last.number + 1 if last else 1,
            minute=int(minute.timestamp()),
            count=leaves.count,
            root=root,
            rows=rows,
            previous=stated(last).hash if last else FIRST,
            key=key,
        ).signed(private)
        await ctx.db.execute(insert(LogRootRow), msgspec.structs.asdict(made) | {"minute": minute})
        signed += made.count
    return signed


async def _leaves(ctx: Context, minute: datetime, site_id: int | None) -> AsyncIterator[Leaf]:
    key, log = AccessKeyRow, AccessLogRow
    known = (GateRow.site_id, key.gate_id, key.epoch, key.seq, key.received_at, key.hash)
    same = (log.gate_id == key.gate_id) & (log.epoch == key.epoch) & (log.seq == key.seq)
    # the moment is the same on both sides; said twice, only the partition of its day is looked into
    within = log.received_at.between(minute, minute + MINUTE) & (log.received_at == key.received_at)
    chosen = (
        select(*known, log.id, log.zone_id, log.historical)
        .join(GateRow, GateRow.id == key.gate_id)
        .outerjoin(log, same & within)
        .where(key.received_at >= minute, key.received_at < minute + MINUTE)
    )
    if site_id is not None:
        chosen = chosen.where(GateRow.site_id == site_id)
    async for row in await ctx.db.stream(chosen, execution_options={"yield_per": FETCHED}):
        yield row
