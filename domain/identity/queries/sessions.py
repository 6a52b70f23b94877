"""Ends sessions, each with its fact."""

from sqlalchemy import Select, select

from domain.identity.events import Ending, SessionRevoked
from domain.identity.tables import SessionRow
from domain.kernel.context import Context


async def end_session(ctx: Context, session_id: int, reason: Ending) -> SessionRow | None:
    """End a session; return its row, or None where it had ended already."""
    live = select(SessionRow).where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
    row = await ctx.db.scalar(_locked(live))
    if row is not None:
        _end(ctx, row, reason)
    return row


async def end_sessions_of(ctx: Context, user_id: int, reason: Ending) -> None:
    """End every session of a person whose account is locked by this transaction, so that none begins meanwhile."""
    live = select(SessionRow).where(SessionRow.user_id == user_id, SessionRow.ended_at.is_(None))
    for row in await ctx.db.scalars(_locked(live.order_by(SessionRow.id))):
        _end(ctx, row, reason)


def _locked(live: Select[SessionRow]) -> Select[SessionRow]:
    return live.with_for_update(key_share=True).execution_options(populate_existing=True)


def _end(ctx: Context, row: SessionRow, reason: Ending) -> None:
    row.ended_at = ctx.now
    ctx.emit(SessionRevoked(session_id=row.id, user_id=row.user_id, reason=reason), of=row)
