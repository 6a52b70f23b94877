"""Finds the roles that people hold."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import RoleGrantRow, UserRow


async def grants_of(db: AsyncSession, user_ids: Collection[int]) -> Mapping[int, Sequence[RoleGrantRow]]:
    """Return the roles of these people, each person's in the order they were given."""
    held = select(RoleGrantRow).where(RoleGrantRow.user_id.in_(user_ids)).order_by(RoleGrantRow.id)
    found: defaultdict[int, list[RoleGrantRow]] = defaultdict(list)
    for row in await db.scalars(held):
        found[row.user_id].append(row)
    return found


async def admins_locked(db: AsyncSession) -> set[int]:
    """Return who is admin and active, with the grants locked, so that two admins do not remove each other at once."""
    held = select(RoleGrantRow.user_id).where(RoleGrantRow.role == "admin").order_by(RoleGrantRow.id)
    admins = (await db.scalars(held.with_for_update())).all()
    # A statement of its own sees what was committed while the first one waited for its locks.
    return set(await db.scalars(select(UserRow.id).where(UserRow.id.in_(admins), UserRow.state == "active")))
