"""Musters: who of those inside a site has been seen to be safe.

1. A site has one muster under way at most.
2. A person has one mark in it, however many mark them at once; ``access_id`` is the newest event of theirs that the
   mark knows of, so that what was seen before does not undo what somebody has said since.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned
from domain.kernel.errors import Busy, DomainError


class MusterRow(Table, Versioned):
    """One muster; ``points`` are the zones where people gather.

    ``looked_at`` is up to when events of gates were looked through for people who are safe.
    """

    __tablename__ = "musters"
    refusals: ClassVar[dict[str, DomainError]] = {
        "musters_under_way_idx": Busy("A muster has just begun here; ask again to get it")
    }
    __table_args__ = (
        Index("musters_site_id_idx", "site_id", "id"),
        Index("musters_under_way_idx", "site_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    reason: Mapped[str]
    begun_by: Mapped[int | None]
    begun_at: Mapped[datetime]
    points: Mapped[list[Any]] = mapped_column(JSONB)
    looked_at: Mapped[datetime]
    ended_by: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class MusterMarkRow(Table, Versioned):
    """Whether somebody was seen to be safe: by a tap, by showing their pass to a guard, or at a gate."""

    __tablename__ = "muster_marks"
    __table_args__ = (CheckConstraint("way IN ('tap', 'scan', 'gate')", name="way"),)

    muster_id: Mapped[int] = mapped_column(
        ForeignKey("musters.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    grant_id: Mapped[int] = mapped_column(
        ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    safe: Mapped[bool]
    way: Mapped[str]
    marked_by: Mapped[int | None]
    gate_id: Mapped[int | None]
    access_id: Mapped[int]
    at: Mapped[datetime]
