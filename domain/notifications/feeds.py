"""What one can follow of notifications: one's own channel."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from domain.kernel.context import Context
from domain.kernel.errors import Forbidden
from domain.kernel.feeds import Feed, Item, Shown
from domain.notifications.events import NotificationCreated, NotificationRead
from domain.notifications.queries.views import views_of
from domain.notifications.tables import NotificationRow

FIRST_ROWS = 50

inbox = Feed("#{user_id}", remembers=100)


@inbox.may
async def only_the_reader(ctx: Context, *, user_id: int) -> None:
    """Let a person follow their own channel."""
    if ctx.caller.user_id != user_id:
        raise Forbidden("This channel is another person's")


@inbox.first
async def last_notifications(ctx: Context, *, user_id: int) -> list[Item]:
    """The last fifty notifications."""
    mine = select(NotificationRow).where(NotificationRow.user_id == user_id)
    rows = (await ctx.db.scalars(mine.order_by(NotificationRow.id.desc()).limit(FIRST_ROWS))).all()
    return await _items(ctx, rows)


@inbox.shows(NotificationCreated, NotificationRead)
async def show_notifications(ctx: Context, facts: Sequence[NotificationCreated | NotificationRead]) -> Shown:
    """Notifications that are new or were read."""
    changed = select(NotificationRow).where(NotificationRow.id.in_({fact.notification_id for fact in facts}))
    rows = (await ctx.db.scalars(changed.order_by(NotificationRow.id))).all()
    shown: defaultdict[str, list[Item]] = defaultdict(list)
    for row, item in zip(rows, await _items(ctx, rows), strict=True):
        shown[inbox.channel(user_id=row.user_id)].append(item)
    return shown


async def _items(ctx: Context, rows: Sequence[NotificationRow]) -> list[Item]:
    views = await views_of(ctx, rows)
    return [
        Item(key=f"notification:{row.id}", version=row.version, data=view)
        for row, view in zip(rows, views, strict=True)
    ]
