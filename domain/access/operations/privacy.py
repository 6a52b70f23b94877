"""Privacy: everything that access keeps about one person, handed out or taken out.

1. A guest is known by a pass, and by all passes of the site with the same e-mail address.
2. Erasing takes the name, the address, and every way from what happened back to the pass. That it happened stays: the
   chain covers a salted hash of the pass alone, roots cover no person, and counts of people inside do not change.
3. What was taken out of the log is noted, so that the proof counts it and finds what others took.
4. A gate that was away may report an erased guest's passage later; it is emptied in the next round.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select

from domain.access.events import GuestPassErased, GuestPassRevoked
from domain.access.operations.omissions import note_erased
from domain.access.tables.rights import GrantRow, GuestPassRow, HoldRow
from domain.kernel import idempotency, queries
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.operations import operation
from domain.sites.operations import lock_site

LATE = timedelta(days=90)
"""For how long after an erasure gates may still report something older."""


class UnderIncidentHold(DomainError):
    """Somebody whose traces are part of an incident that is looked into."""

    code, title = "under_incident_hold", "This is kept for an incident"


class ErasedView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an erasure took: passes without their guest, and in how much of what happened nobody is named any more."""

    guest_pass_ids: Sequence[int]
    events: int
    visits: int
    decisions: int


class Emptied(msgspec.Struct, frozen=True):
    """How much named somebody and does so no more."""

    events: int
    visits: int
    decisions: int


@operation("access.erase_person", allow={"manager", "admin"})
async def erase_person(ctx: Context, *, guest_pass_id: int) -> ErasedView:
    """Forget who a guest was, for good: name and address go, passes are revoked, and nothing that happened names them.

    All passes of the site with the same e-mail address go together. Refused while an incident hold covers any of it.
    Again changes nothing.
    """
    site_id = await _site_of(ctx, guest_pass_id)
    await lock_site(ctx, site_id)
    guests = await guests_like(ctx, guest_pass_id, lock=True)
    grant_ids = [guest.grant_id for guest in guests]
    await _refuse_held(ctx, site_id, grant_ids)
    for guest in guests:
        await _forget(ctx, guest)
    # Whatever else opens doors for the same person goes here as well.
    await ctx.db.execute(delete(HoldRow).where(HoldRow.grant_id.in_(grant_ids)))
    emptied = await _empty(ctx, grant_ids, [guest.id for guest in guests])
    return ErasedView(
        guest_pass_ids=[guest.id for guest in guests],
        events=emptied.events,
        visits=emptied.visits,
        decisions=emptied.decisions,
    )


@operation("access.erase_late", allow={"service"}, replays=False)
async def erase_late(ctx: Context) -> int:
    """Take guests who were erased out of what gates reported since; return out of how many events."""
    erased = select(GuestPassRow.id, GuestPassRow.grant_id).where(GuestPassRow.erased_at > ctx.now - LATE)
    rows = (await ctx.db.execute(erased)).all()
    if not rows:
        return 0
    return (await _empty(ctx, [row[1] for row in rows], [row[0] for row in rows])).events


async def guests_like(ctx: Context, guest_pass_id: int, *, lock: bool = False) -> Sequence[GuestPassRow]:
    """Return all passes of the guest of a pass, that one among them, by id."""
    known = select(GuestPassRow.site_id, func.lower(GuestPassRow.guest_email))
    site_id, email = (await ctx.db.execute(known.where(GuestPassRow.id == guest_pass_id))).one()
    same: ColumnElement[bool] = GuestPassRow.id == guest_pass_id
    if email is not None:
        same = or_(same, func.lower(GuestPassRow.guest_email) == email)
    chosen = select(GuestPassRow).where(GuestPassRow.site_id == site_id, same).order_by(GuestPassRow.id)
    if lock:
        chosen = chosen.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await ctx.db.scalars(chosen)).all()


async def _site_of(ctx: Context, guest_pass_id: int) -> int:
    guest = await ctx.db.get(GuestPassRow, guest_pass_id)
    if guest is None or not ctx.caller.holds("manager", site_id=guest.site_id):
        raise NotFound(f"There is no guest pass {guest_pass_id}")
    return guest.site_id


async def _refuse_held(ctx: Context, site_id: int, grant_ids: Sequence[int]) -> None:
    given = {"site_id": site_id, "grant_ids": grant_ids}
    hold = await ctx.db.scalar(queries.load("domain.access", "holds_over"), given)
    if hold is not None:
        raise UnderIncidentHold(f"Incident hold {hold} covers this person; release it first")


async def _forget(ctx: Context, guest: GuestPassRow) -> None:
    if guest.erased_at is not None:
        return
    guest.guest_name, guest.guest_email, guest.revoked_reason = "", None, ""
    guest.erased_at = ctx.now
    grant = await ctx.db.get_one(GrantRow, guest.grant_id, with_for_update={"key_share": True})
    if grant.revoked_at is None:
        grant.revoked_at = ctx.now
        grant.taken += 1
        revoked = GuestPassRevoked(
            guest_pass_id=guest.id, site_id=guest.site_id, host_user_id=guest.host_user_id
        )
        ctx.emit(revoked, of=guest)
    ctx.emit(GuestPassErased(guest_pass_id=guest.id, site_id=guest.site_id), of=guest)
    await idempotency.forget(ctx.db, {"guestPassId": guest.id})


async def _empty(ctx: Context, grant_ids: Sequence[int], guest_pass_ids: Sequence[int]) -> Emptied:
    given = {"grant_ids": grant_ids}
    days: Counter[tuple[int, date]] = Counter()
    for site_id, day in await ctx.db.execute(queries.load("domain.access", "empty_log"), given):
        days[site_id, day] += 1
    await note_erased(ctx, days)
    decisions = (await ctx.db.execute(queries.load("domain.access", "empty_decisions"), given)).all()
    passes = {"guest_pass_ids": guest_pass_ids}
    visits = (await ctx.db.execute(queries.load("domain.access", "empty_visits"), passes)).all()
    return Emptied(sum(days.values()), len(visits), len(decisions))
