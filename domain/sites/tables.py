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
    """Whose ingestion takes in what its gates report: that of the process that holds this shard."""
    created_at: Mapped[datetime]
