"""Tokens by which a device is made the device of a gate, once."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class EnrolmentRow(Table):
    """The newest token of a gate, of which only a hash is kept; an older one is gone with its row's content.

    Used, it remembers which device had it (a hash of what that device said of itself) and which account it was given,
    so that a lost answer can be told again.
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        CheckConstraint("(used_at IS NULL) = (generation IS NULL)", name="used"),
        CheckConstraint("device IS NULL OR used_at IS NOT NULL", name="device"),
    )

    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"), primary_key=True, autoincrement=False)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    asked_by: Mapped[int | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    device: Mapped[bytes | None]
    generation: Mapped[int | None]
