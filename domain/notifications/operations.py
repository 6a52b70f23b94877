"""What one can ask of notifications."""

from sqlalchemy import select

from domain.kernel.context import Context
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn
from domain.notifications.events import NotificationRead
from domain.notifications.queries.views import NotificationView, views_of
from domain.notifications.tables import NotificationRow


@operation("notifications.list_notifications", allow={"member", "admin"}, reads=True)
async def list_notifications(
    ctx: Context,
    *,
    user_id: int | None = None,
    unread: bool = False,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[NotificationView]:
    """List what one was told, newest first: the caller's own, or to an admin anyone's."""
    reader = ctx.user_id if user_id is None else user_id
    if reader != ctx.caller.user_id and not ctx.caller.everywhere:
        raise Forbidden("What others were told is theirs")
    chosen = select(NotificationRow).where(NotificationRow.user_id == reader)
    if unread:
        chosen = chosen.where(NotificationRow.read_at.is_(None))
    chosen = turn(chosen, NotificationRow.id, limit=limit, cursor=cursor, newest_first=True)
    rows = (await ctx.db.scalars(chosen)).all()
    return page(await views_of(ctx, rows), limit, lambda one: one.notification_id)


@operation("notifications.read_notification", allow={"member"})
async def read_notification(ctx: Context, *, notification_id: int) -> NotificationView:
    """Note that the caller has read a notification of theirs; again changes nothing."""
    row = await ctx.db.get(NotificationRow, notification_id, with_for_update={"key_share": True})
    if row is None or row.user_id != ctx.user_id:
        raise NotFound(f"There is no notification {notification_id} for you")
    if row.read_at is None:
        row.read_at = ctx.now
        ctx.emit(NotificationRead(notification_id=row.id, user_id=row.user_id), of=row)
    return (await views_of(ctx, [row]))[0]
