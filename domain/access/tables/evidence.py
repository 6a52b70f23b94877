"""What proves the log to others, and what was taken out of it on purpose.

1. Nothing is received before ``log_seal.until`` any more, and every minute with events before ``log_seal.rooted``
   has its root: the leaves are rows of ``access_keys``, which stay for ever and name no person.
2. Roots of a site are numbered without a hole, and each holds the hash of the one before, so that none can vanish.
3. Whatever is taken out of the log, days that had their time and persons who were erased, is noted and signed in the
   transaction that takes it; what is missing without a note has vanished.
4. Nothing that happened within an incident hold is taken.
"""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.rules.statements import Kind
from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid

LONGEST_TERM = 3650


class LogSealRow(Table):
    """The one row that says how far the log is sealed, and how far it is signed."""

    __tablename__ = "log_seal"
    __table_args__ = (
        CheckConstraint("id = 1", name="id"),
        CheckConstraint("rooted <= until", name="rooted"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[datetime]
    rooted: Mapped[datetime]


class LogRootRow(Table):
    """What a site's gates reported in one minute, as one hash that is signed."""

    __tablename__ = "log_roots"
    __table_args__ = (
        Index("log_roots_site_id_minute_idx", "site_id", "minute", unique=True),
        Index("log_roots_minute_idx", "minute"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("count > 0", name="count"),
    )

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minute: Mapped[datetime]
    count: Mapped[int]
    root: Mapped[bytes]
    rows: Mapped[bytes]
    previous: Mapped[bytes]
    key: Mapped[str] = mapped_column(ForeignKey("evidence_keys.id"))
    signature: Mapped[bytes]


class EvidenceKeyRow(Table):
    """The public half of a key that signs roots; the private half is in no database."""

    __tablename__ = "evidence_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime]


class OmissionRow(Table):
    """What was taken out of one day of a site's log: its events (``dropped``), or persons in them (``erased``)."""

    __tablename__ = "log_omissions"
    __table_args__ = (
        CheckConstraint("kind IN ('dropped', 'erased')", name="kind"),
        CheckConstraint("(kind = 'dropped') = (term_days IS NOT NULL)", name="term_days"),
        Index("log_omissions_site_id_day_idx", "site_id", "day"),
        Index(
            "log_omissions_dropped_idx",
            "site_id",
            "day",
            unique=True,
            postgresql_where=text("kind = 'dropped'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    day: Mapped[date] = mapped_column(Date)
    kind: Mapped[Kind] = mapped_column(Text)
    events: Mapped[int]
    unreadable: Mapped[int]
    term_days: Mapped[int | None]
    at: Mapped[datetime]
    key: Mapped[str] = mapped_column(ForeignKey("evidence_keys.id"))
    signature: Mapped[bytes]


class SiteRetentionRow(Table, Versioned):
    """For how many days a site keeps what happened at its gates; no row is the usual term."""

    __tablename__ = "site_retention"
    __table_args__ = (CheckConstraint(f"days BETWEEN 1 AND {LONGEST_TERM}", name="days"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    days: Mapped[int]


class IncidentHoldRow(Table, Versioned):
    """What happened at a site from ``since`` to ``until`` is kept, whatever its age, until somebody releases it."""

    __tablename__ = "incident_holds"
    __table_args__ = (
        CheckConstraint("since < until", name="window"),
        CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="released"),
        Index("incident_holds_site_id_idx", "site_id", "id"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "incident_holds_window_check": Invalid.field("until", "must be after since")
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    since: Mapped[datetime]
    until: Mapped[datetime]
    reason: Mapped[str]
    placed_by: Mapped[int]
    placed_at: Mapped[datetime]
    released_by: Mapped[int | None]
    released_at: Mapped[datetime | None]
