"""Guest links: a guest sees the own pass by a link in a letter, without an account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from domain.access.operations.grants import signed, zone_ids_of, zones_of
from domain.access.operations.guest_passes import carried_pass
from domain.access.operations.live_passes import LivePassView, live_view
from domain.access.rules import guest_link, qr, token
from domain.access.rules.guest_link import Link
from domain.access.rules.windows import guest_state
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.caller import Role
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.operations import operation
from domain.kernel.tools import Tools
from domain.sites.operations import names_of as site_names_of
from domain.sites.operations import time_zone_of

PURPOSE = "guest-links"
PAGE = "/app/pass/"
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
EVERYBODY: frozenset[Role] = frozenset({"anonymous", "member", "guard", "desk", "manager", "admin"})


class PassOver(DomainError):
    """A pass that its guest can no longer use."""

    code, status, title = "pass_over", 410, "This pass is over"


class GuestLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a guest sees the pass; whoever has the link can come in with it."""

    guest_pass_id: int
    url: str
    token: str
    ends: datetime


class GuestPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a guest is shown. A live pass has no picture of its own: the page makes one every 30 seconds of ``live``."""

    first_name: str
    site_name: str
    time_zone: str
    start: datetime
    end: datetime
    zone_names: Sequence[str]
    entries: str
    needs_escort: bool
    state: str
    qr_svg: str | None
    qr_token: str
    live: LivePassView | None


@operation("access.give_guest_link", allow={"member", "desk", "manager", "admin"}, reads=True)
async def give_guest_link(ctx: Context, *, guest_pass_id: int) -> GuestLink:
    """Return the link by which a guest sees the pass, to its host or the desk: send it to nobody else."""
    _, grant = await carried_pass(ctx, guest_pass_id)
    return link_of(ctx.tools, guest_pass_id, grant.valid_until)


@operation("access.open_guest_page", allow=EVERYBODY, replays=False)
async def open_guest_page(ctx: Context, *, token: Token) -> GuestPage:
    """Return what a guest's page shows, to whoever has the link."""
    link = guest_link.read(token, ctx.tools.keys.derive(PURPOSE))
    row = None if link is None else await ctx.db.get(GuestPassRow, link.guest_pass_id)
    if link is None or row is None:
        raise NotFound("This link leads nowhere: open it as it stands in the letter")
    grant = await ctx.db.get_one(GrantRow, row.grant_id)
    if grant.revoked_at is not None:
        raise PassOver("This pass was withdrawn. Ask your host for a new one")
    if ctx.now.timestamp() >= min(link.ends, grant.valid_until.timestamp()):
        raise PassOver("The time of this pass is over. Ask your host for a new one")
    return await _page(ctx, row, grant)


def link_of(tools: Tools, guest_pass_id: int, ends: datetime) -> GuestLink:
    """Return the link of a guest pass, for whoever has made sure that the reader may have it."""
    text = guest_link.sign(Link(guest_pass_id, int(ends.timestamp())), tools.keys.derive(PURPOSE))
    url = f"{tools.policy.public_url.rstrip('/')}{PAGE}{text}"
    return GuestLink(guest_pass_id=guest_pass_id, url=url, token=text, ends=ends)


async def _page(ctx: Context, row: GuestPassRow, grant: GrantRow) -> GuestPage:
    zones = await zones_of(ctx, row.site_id)
    entered = set(zone_ids_of(grant, zones))
    raw = await signed(ctx, grant)
    return GuestPage(
        first_name=(row.guest_name.split() or [""])[0],
        site_name=(await site_names_of(ctx, [row.site_id])).get(row.site_id, ""),
        time_zone=await time_zone_of(ctx, row.site_id),
        start=grant.valid_from,
        end=grant.valid_until,
        zone_names=[zone.name for zone in zones if zone.id in entered],
        entries=grant.entries,
        needs_escort=grant.needs_escort,
        state=guest_state(
            revoked=False,
            inside=grant.inside_zone_id is not None,
            arrived=row.arrived_at is not None,
            until=grant.valid_until,
            now=ctx.now,
        ),
        qr_svg=None if grant.live_code else qr.svg(token.as_qr_text(raw)).decode(),
        qr_token=token.as_base64url(raw),
        live=await live_view(ctx, grant) if grant.live_code else None,
    )
