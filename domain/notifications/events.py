"""What notifications tell the world."""

from typing import ClassVar

from domain.kernel.events import Event


class NotificationCreated(Event, frozen=True):
    """A person was told something."""

    name: ClassVar[str] = "notification.created"
    notification_id: int
    user_id: int


class NotificationRead(Event, frozen=True):
    """They have read it."""

    name: ClassVar[str] = "notification.read"
    notification_id: int
    user_id: int
