"""Rows that notifications own.

1. One fact tells one person one kind of thing once.
2. Each channel a notification goes out by has a state of its own; "sent" says that a server took it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned


class NotificationRow(Table, Versioned):
    """Something one person was told. ``params`` holds ids and times only; words are made when it is read."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("fact_key", "user_id", "kind"),
        Index("notifications_user_id_idx", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    fact_key: Mapped[str]
    user_id: Mapped[int]
    kind: Mapped[str]
    params: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class DeliveryRow(Table):
    """A notification's way out by one channel."""

    __tablename__ = "deliveries"
    __table_args__ = (CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),)

    notification_id: Mapped[int] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), primary_key=True
    )
    channel: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    changed_at: Mapped[datetime]
