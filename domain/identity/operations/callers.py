"""Callers: who is behind a session, with the roles they hold at this moment."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from domain.identity.tables import RoleGrantRow, SessionRow, UserRow
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.errors import Unauthenticated
from domain.kernel.operations import operation


@operation("identity.identify", allow={"service"}, reads=True)
async def identify(ctx: Context, *, session_id: int) -> Caller:
    """Return the person behind a session with the roles they hold now; for the server's own use."""
    held = (
        select(SessionRow.user_id, RoleGrantRow.site_id, RoleGrantRow.role)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .outerjoin(RoleGrantRow, RoleGrantRow.user_id == SessionRow.user_id)
        .where(SessionRow.id == session_id, SessionRow.ended_at.is_(None), SessionRow.expires_at > ctx.now)
        .where(UserRow.state == "active")
    )
    rows = (await ctx.db.execute(held)).all()
    if not rows:
        raise Unauthenticated("The session is over; sign in again")
    return _caller(session_id, rows[0][0], [(site_id, role) for _, site_id, role in rows if role])


def _caller(session_id: int, user_id: int, held: Sequence[tuple[int | None, Any]]) -> Caller:
    sites = {site_id for site_id, _ in held if site_id is not None}
    return Caller(
        roles=frozenset({"member", *(role for _, role in held)}),
        user_id=user_id,
        session_id=session_id,
        site_roles={site: frozenset(role for at, role in held if at == site) for site in sorted(sites)},
    )
