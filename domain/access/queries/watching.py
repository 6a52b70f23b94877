"""Who holds passes, and whom a site watches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from domain.access.rules.watch_list import Entry, Holder
from domain.access.tables.credentials import CredentialRow, WatchRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.identity.queries.people import emails_of, names_of
from domain.kernel.context import Context


async def watch_entries(ctx: Context, site_id: int) -> Sequence[Entry]:
    """Return the watch-list of a site."""
    rows = await ctx.db.scalars(select(WatchRow).where(WatchRow.site_id == site_id).order_by(WatchRow.id))
    return [Entry(id=row.id, kind=row.kind, value=row.value, action=row.action) for row in rows]


async def holders_of(ctx: Context, grants: Sequence[GrantRow]) -> Mapping[int, Holder]:
    """Return who holds these passes, by pass."""
    ids = [grant.id for grant in grants]
    guests = {
        row.grant_id: row
        for row in await ctx.db.scalars(select(GuestPassRow).where(GuestPassRow.grant_id.in_(ids)))
    }
    people = {grant.holder_user_id for grant in grants if grant.holder_user_id is not None}
    names, emails = await names_of(ctx, people), await emails_of(ctx, people)
    plates: defaultdict[int, list[str]] = defaultdict(list)
    shown = select(CredentialRow.grant_id, CredentialRow.hint)
    for grant_id, plate in await ctx.db.execute(
        shown.where(CredentialRow.grant_id.in_(ids), CredentialRow.kind == "plate")
    ):
        plates[grant_id].append(plate)
    return {
        grant.id: _holder(grant, guests.get(grant.id), names, emails, plates[grant.id]) for grant in grants
    }


def _holder(
    grant: GrantRow,
    guest: GuestPassRow | None,
    names: Mapping[int, str],
    emails: Mapping[int, str],
    plates: Sequence[str],
) -> Holder:
    if guest is not None:
        return Holder(name=guest.guest_name, email=guest.guest_email or "", plates=plates)
    user_id = grant.holder_user_id
    return Holder(
        name=grant.holder_name or names.get(user_id or 0, ""),
        email=emails.get(user_id or 0, ""),
        user_id=user_id,
        plates=plates,
    )
