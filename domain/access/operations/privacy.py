"""Privacy: everything that access keeps about one person is taken out.

1. A guest is known by a pass, and by all passes of the site with the same e-mail address; a user by the account.
2. Erasing takes the name, the address, cards, PINs and plates, and every way from what happened back to the pass. That
   it happened stays: the chain covers a salted hash of the pass alone, roots cover no person, counts do not change.
3. What was taken out of the log is noted, so that the proof counts it and finds what others took.
4. A gate that was away may report an erased person's passage later; it is emptied in the next round.
5. Rows are locked in the order sites, guest passes, grants, lists; an incident hold locks its site too.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select

from domain.access.events import GuestPassErased, GuestPassRevoked, PassErased
from domain.access.operations.lists import list_passes
from domain.access.operations.occupancy import settle_passes
from domain.access.operations.omissions import note_erased
from domain.access.tables.credentials import CredentialRow
from domain.access.tables.musters import MusterMarkRow
from domain.access.tables.rights import GrantRow, GuestPassRow, HoldRow
from domain.kernel import idempotency, queries
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from domain.kernel.operations import operation
from domain.sites.operations import lock_site

LATE = timedelta(days=90)
"""For how long after an erasure gates may still report something older."""


class UnderIncidentHold(DomainError):
    """Somebody whose traces are part of an incident that is looked into."""

    code, title = "under_incident_hold", "This is kept for an incident"


class ErasedView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an erasure took: passes without their holder, and in how much of what happened nobody is named any more."""

    pass_ids: Sequence[int]
    events: int
    visits: int
    decisions: int


class Emptied(msgspec.Struct, frozen=True):
    """How much named somebody and does so no more."""

    events: int
    visits: int
    decisions: int


@operation("access.erase_person", allow={"manager", "admin"})
async def erase_person(
    ctx: Context, *, guest_pass_id: int | None = None, user_id: int | None = None
) -> ErasedView:
    """Forget, for good, who a guest was (a manager may), or who held the passes of an account (an admin may).

    Name, address, cards, PINs and plates go, passes are revoked, and nothing that happened names the person. All passes
    of the site with the guest's e-mail address go together. Refused while an incident hold covers any of it. The
    account itself is identity's, and a watch-list is the site's own word: both stay. Again changes nothing.
    """
    if (guest_pass_id is None) == (user_id is None):
        raise Invalid.field("guestPassId", "give either this or userId")
    if guest_pass_id is not None:
        site_id = await _site_of(ctx, guest_pass_id)
        await lock_site(ctx, site_id)
        guests = await guests_like(ctx, guest_pass_id, lock=True)
        return await _erase(ctx, GrantRow.id.in_([guest.grant_id for guest in guests]), guests)
    if not ctx.caller.everywhere:
        raise Forbidden("Admins forget the holder of an account's passes, since they open several sites")
    held = GrantRow.holder_user_id == user_id
    for site_id in sorted(set(await ctx.db.scalars(select(GrantRow.site_id).where(held)))):
        await lock_site(ctx, site_id)
    return await _erase(ctx, held, [])


@operation("access.erase_late", allow={"service"}, replays=False)
async def erase_late(ctx: Context) -> int:
    """Take people who were erased out of what gates reported since; return out of how many events."""
    erased = select(GrantRow.id).where(GrantRow.erased_at > ctx.now - LATE).order_by(GrantRow.id)
    grant_ids = (await ctx.db.scalars(erased.with_for_update(key_share=True))).all()
    return (await _empty(ctx, grant_ids)).events if grant_ids else 0


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


async def _erase(ctx: Context, chosen: ColumnElement[bool], guests: Sequence[GuestPassRow]) -> ErasedView:
    locked = select(GrantRow).where(chosen).order_by(GrantRow.id).with_for_update(key_share=True)
    grants = (await ctx.db.scalars(locked.execution_options(populate_existing=True))).all()
    await _refuse_held(ctx, grants)
    of_guests = {guest.grant_id: guest for guest in guests}
    fresh = [grant for grant in grants if grant.erased_at is None]
    for grant in fresh:
        await _forget(ctx, grant, of_guests.get(grant.id))
    grant_ids = [grant.id for grant in grants]
    await ctx.db.execute(delete(HoldRow).where(HoldRow.grant_id.in_(grant_ids)))
    await ctx.db.execute(delete(CredentialRow).where(CredentialRow.grant_id.in_(grant_ids)))
    await ctx.db.flush()
    await list_passes(ctx, fresh)
    emptied = await _empty(ctx, grant_ids)
    return ErasedView(
        pass_ids=grant_ids, events=emptied.events, visits=emptied.visits, decisions=emptied.decisions
    )


async def _refuse_held(ctx: Context, grants: Sequence[GrantRow]) -> None:
    given = {"grant_ids": [grant.id for grant in grants]}
    hold = await ctx.db.scalar(queries.load("domain.access", "holds_over"), given)
    if hold is not None:
        raise UnderIncidentHold(f"Incident hold {hold} covers this person; release it first")


async def _forget(ctx: Context, grant: GrantRow, guest: GuestPassRow | None) -> None:
    grant.holder_name, grant.holder_user_id, grant.erased_at = "", None, ctx.now
    revoked = grant.revoked_at is None
    if revoked:
        grant.revoked_at = ctx.now
        grant.taken += 1
    await idempotency.forget(ctx.db, {"passId": grant.id})
    if guest is None:
        ctx.emit(PassErased(pass_id=grant.id, site_id=grant.site_id))
        return
    guest.guest_name, guest.guest_email, guest.revoked_reason = "", None, ""
    if revoked:
        told = GuestPassRevoked(
            guest_pass_id=guest.id, site_id=guest.site_id, host_user_id=guest.host_user_id
        )
        ctx.emit(told, of=guest)
    ctx.emit(GuestPassErased(guest_pass_id=guest.id, site_id=guest.site_id), of=guest)
    await idempotency.forget(ctx.db, {"guestPassId": guest.id})


async def _empty(ctx: Context, grant_ids: Sequence[int]) -> Emptied:
    given = {"grant_ids": grant_ids}
    days: Counter[tuple[int, date]] = Counter()
    for site_id, day in await ctx.db.execute(queries.load("domain.access", "empty_log"), given):
        days[site_id, day] += 1
    await note_erased(ctx, days)
    # whose walks they were cannot be replayed later
    await settle_passes(ctx, grant_ids)
    await ctx.db.execute(queries.load("domain.access", "empty_alarms"), given)
    await ctx.db.execute(delete(MusterMarkRow).where(MusterMarkRow.grant_id.in_(grant_ids)))
    decisions = (await ctx.db.execute(queries.load("domain.access", "empty_decisions"), given)).all()
    visits = (await ctx.db.execute(queries.load("domain.access", "empty_visits"), given)).all()
    return Emptied(sum(days.values()), len(visits), len(decisions))
