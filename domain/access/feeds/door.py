"""The door of all feeds of access: they are for staff of the site."""

from domain.kernel.caller import STAFF
from domain.kernel.context import Context


async def staff_only(ctx: Context, *, site_id: int) -> None:
    """Let staff of the site follow."""
    ctx.require(*STAFF, site_id=site_id)
