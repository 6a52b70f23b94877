"""Who may pass: grants, the guest passes that made them, the keys that sign them, and what is held for them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class GrantRow(Table):
    """A right to pass: which zones (bits), when, how often; its id is the pass id that gates read.

    ``taken`` moves with every hold and passage, so that a decision made on an older look is seen to be stale.
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("valid_from < valid_until", name="window"),
        CheckConstraint("zones > 0", name="zones"),
        CheckConstraint("entries IN ('single', 'many')", name="entries"),
        Index("grants_site_window_idx", "site_id", "valid_from"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "grants_window_check": Invalid.field("end", "must be after start"),
        "grants_zones_check": Invalid.field("zoneIds", "must name at least one zone"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    key_id: Mapped[int] = mapped_column(ForeignKey("pass_keys.id"))
    zones: Mapped[int]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    entries: Mapped[str]
    passback: Mapped[str] = mapped_column(default="hard")
    revoked_at: Mapped[datetime | None]
    entered: Mapped[int] = mapped_column(default=0)
    inside_zone_id: Mapped[int | None] = mapped_column(ForeignKey("zones.id"))
    moved_at: Mapped[datetime | None]
    taken: Mapped[int] = mapped_column(default=0)


class GuestPassRow(Table, Versioned):
    """A guest whom a host expects; what opens doors is its grant."""

    __tablename__ = "guest_passes"
    __table_args__ = (
        Index("guest_passes_running_idx", "id", postgresql_where=text("expired_at IS NULL")),
        Index("guest_passes_erased_idx", "grant_id", postgresql_where=text("erased_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    host_user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    guest_name: Mapped[str]
    guest_email: Mapped[str | None]
    requested_by: Mapped[int | None]
    created_at: Mapped[datetime]
    revoked_reason: Mapped[str] = mapped_column(default="")
    arrived_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class PassKeyRow(Table):
    """A key that signs passes. Retired keys sign no more and still verify what was printed with them."""

    __tablename__ = "pass_keys"
    __table_args__ = (CheckConstraint("id BETWEEN 1 AND 255", name="id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class HoldRow(Table):
    """What an admit keeps until the person has walked through, and its answer for a retry after a crash."""

    __tablename__ = "holds"
    __table_args__ = (
        Index("holds_grant_open_idx", "grant_id", "expires_at", postgresql_where=text("NOT consumed")),
        Index("holds_zone_open_idx", "zone_id", "expires_at", postgresql_where=text("NOT consumed")),
        Index("holds_expires_at_idx", "expires_at"),
    )

    gate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[bytes] = mapped_column(primary_key=True)
    rid: Mapped[str] = mapped_column(primary_key=True)
    grant_id: Mapped[int]
    zone_id: Mapped[int | None]
    decision: Mapped[str]
    expires_at: Mapped[datetime]
    consumed: Mapped[bool] = mapped_column(default=False)


class DecisionRow(Table):
    """How an answer was reached: every rule, its inputs and its verdict."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("decisions_grant_id_idx", "grant_id", postgresql_where=text("grant_id IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    gate_id: Mapped[int]
    epoch: Mapped[bytes]
    rid: Mapped[str]
    grant_id: Mapped[int | None]
    direction: Mapped[str]
    admit: Mapped[bool]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    trace: Mapped[list[Any]] = mapped_column(JSONB)
