"""Letters. Each has a key made of what it is about, so that a letter sent twice is recognised as one."""

import structlog
from sqlalchemy import update

from domain.access.operations.guest_links import link_of
from domain.access.operations.guest_passes import guest_pass_qr_png
from domain.access.queries import guest_passes_of
from domain.identity.queries.people import addressees_of
from domain.kernel.jobs import Work, job
from domain.kernel.ports import Attachment, Mail, Undeliverable
from domain.notifications.queries.views import told_of_pass, views_of
from domain.notifications.rules import invitation
from domain.notifications.tables import DeliveryRow, NotificationRow

logger = structlog.get_logger(__name__)


@job("notifications.send_mail")
async def send_mail(work: Work, *, notification_id: int) -> None:
    """Send a notification to its reader by mail, unless that was done before or there is nobody to write to."""
    letter = await _notification(work, notification_id)
    if letter is None:
        await _note(work, notification_id, "failed")
        return
    try:
        await work.tools.ports.mail.send(letter)
    except Undeliverable:
        await _note(work, notification_id, "failed")
    except Exception:
        if work.last:
            await _note(work, notification_id, "failed")
        raise
    else:
        await _note(work, notification_id, "sent")


@job("notifications.send_invitation")
async def send_invitation(work: Work, *, guest_pass_id: int) -> None:
    """Send a guest who has an address the pass, in the host's language."""
    async with work.transaction() as db:
        ctx = work.context(db)
        guest_pass = (await guest_passes_of(ctx, [guest_pass_id])).get(guest_pass_id)
        if guest_pass is None or guest_pass.guest_email is None:
            return
        host = (await addressees_of(ctx, [guest_pass.host_user_id])).get(guest_pass.host_user_id)
        told = await told_of_pass(ctx, guest_pass)
        link = link_of(work.tools, guest_pass_id, guest_pass.valid_until).url
        by, locale = (host.name, host.locale) if host else ("Gatehouse", "en")
        said = invitation(told, by, link, locale, live=guest_pass.live_code)
        # a picture of a code that changes would open nothing: the link shows that one
        pictures = (
            []
            if guest_pass.live_code
            else [
                Attachment(
                    name="pass.png",
                    media_type="image/png",
                    content=await guest_pass_qr_png(ctx, guest_pass_id=guest_pass_id),
                )
            ]
        )
    letter = Mail(
        to=guest_pass.guest_email,
        subject=said.title,
        text=said.text,
        key=f"invitation-{guest_pass_id}-{int(guest_pass.valid_from.timestamp())}",
        attachments=pictures,
    )
    try:
        await work.tools.ports.mail.send(letter)
    except Undeliverable:
        logger.warning("an invitation cannot be delivered", guest_pass_id=guest_pass_id)


async def _notification(work: Work, notification_id: int) -> Mail | None:
    async with work.transaction() as db:
        ctx = work.context(db)
        row = await db.get(NotificationRow, notification_id)
        way = await db.get(DeliveryRow, (notification_id, "mail"))
        if row is None or way is None or way.state == "sent":
            return None
        reader = (await addressees_of(ctx, [row.user_id])).get(row.user_id)
        if reader is None:
            return None
        [said] = await views_of(ctx, [row])
        # The moment keeps letters of an emptied installation apart from those of the next.
        key = f"notification-{row.id}-{int(row.created_at.timestamp())}"
        return Mail(to=reader.email, subject=said.title, text=f"{said.text}\n", key=key)


async def _note(work: Work, notification_id: int, state: str) -> None:
    way = update(DeliveryRow).where(
        DeliveryRow.notification_id == notification_id, DeliveryRow.channel == "mail"
    )
    async with work.transaction() as db:
        await db.execute(way.where(DeliveryRow.state != "sent").values(state=state, changed_at=work.now))
