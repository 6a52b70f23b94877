"""Rows that sites own."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class SiteRow(Table, Versioned):
    """One place."""

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("shard BETWEEN 0 AND 999", name="shard"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "sites_name_check": Invalid.field("name", "must not be empty")
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    shard: Mapped[int] = mapped_column(default=0)
    """What the site's gates report is taken in by whoever holds this shard."""
    followed: Mapped[int] = mapped_column(default=0)
    """The shard whose session at the broker follows them by now; until it is the one above, the old one goes on."""
    created_at: Mapped[datetime]
