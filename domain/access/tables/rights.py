"""Who may pass: grants, the guest passes that made them, the keys that sign them, and what is held for them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.rules.facts import OwnPassback
from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class GrantRow(Table):
    """A right to pass: which zones (bits), when, how often; its id is the pass id that gates read.

    ``passback`` is null where the zone's rule holds. ``code_step`` is the last rotating code taken, ``code_zone_id``
    the zone that it opened.
    ``taken`` moves with every hold and passage, so that a decision made on an older look is seen to be stale.
    ``moved_by`` is the event of the access log that says where it is: of two walks in one moment the later event.
    Since ``erased_at`` nobody is known to have held it.
    """

    __tablename__ = "grants"
    __table_args__ = (
        ForeignKeyConstraint(["site_id", "schedule_id"], ["schedules.site_id", "schedules.id"]),
        CheckConstraint("valid_from < valid_until", name="window"),
        CheckConstraint("zones > 0", name="zones"),
        CheckConstraint("entries IN ('single', 'many')", name="entries"),
        CheckConstraint("kind IN ('guest', 'badge', 'ticket', 'vehicle', 'staff')", name="kind"),
        CheckConstraint("passback IN ('hard', 'soft', 'off')", name="passback"),
        Index("grants_site_window_idx", "site_id", "valid_from"),
        Index(
            "grants_inside_zone_id_idx", "inside_zone_id", postgresql_where=text("inside_zone_id IS NOT NULL")
        ),
        Index(
            "grants_holder_user_id_idx", "holder_user_id", postgresql_where=text("holder_user_id IS NOT NULL")
        ),
        Index("grants_erased_at_idx", "erased_at", postgresql_where=text("erased_at IS NOT NULL")),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "grants_window_check": Invalid.field("end", "must be after start"),
        "grants_zones_check": Invalid.field("zoneIds", "must name at least one zone"),
        "grants_holder_user_id_fkey": Invalid.field("holderUserId", "there is no such user"),
        "grants_site_id_schedule_id_fkey": Invalid.field("scheduleId", "this site has no such schedule"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    key_id: Mapped[int] = mapped_column(ForeignKey("pass_keys.id"))
    zones: Mapped[int]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    entries: Mapped[str]
    kind: Mapped[str] = mapped_column(default="guest")
    holder_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    holder_name: Mapped[str] = mapped_column(default="")
    schedule_id: Mapped[int | None]
    passback: Mapped[OwnPassback | None] = mapped_column(Text)
    unpaid: Mapped[bool] = mapped_column(default=False)
    needs_escort: Mapped[bool] = mapped_column(default=False)
    escorts: Mapped[bool] = mapped_column(default=False)
    opens: Mapped[bool] = mapped_column(default=False)
    live_code: Mapped[bool] = mapped_column(default=False)
    code_step: Mapped[int] = mapped_column(default=0)
    code_zone_id: Mapped[int | None]
    revoked_at: Mapped[datetime | None]
    entered: Mapped[int] = mapped_column(default=0)
    inside_zone_id: Mapped[int | None] = mapped_column(ForeignKey("zones.id"))
    moved_at: Mapped[datetime | None]
    moved_by: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0)
    erased_at: Mapped[datetime | None]


class GuestPassRow(Table, Versioned):
    """A guest whom a host expects; what opens doors is its grant."""

    __tablename__ = "guest_passes"
    __table_args__ = (Index("guest_passes_running_idx", "id", postgresql_where=text("expired_at IS NULL")),)

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
        Index(
            "holds_zone_open_idx",
            "zone_id",
            "expires_at",
            postgresql_where=text("NOT consumed AND zone_id IS NOT NULL"),
        ),
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
    """How an answer was reached: every rule, its inputs and its verdict.

    Two rules look back at it: a pass that was refused for want of a second person waits for one, and wrong PINs count.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("decisions_grant_id_idx", "grant_id", postgresql_where=text("grant_id IS NOT NULL")),
        Index("decisions_waiting_idx", "gate_id", "at", postgresql_where=text("reason = 'second_person'")),
        Index(
            "decisions_wrong_pins_idx", "gate_id", "at", postgresql_where=text("method = 'pin' AND NOT admit")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    gate_id: Mapped[int]
    epoch: Mapped[bytes]
    rid: Mapped[str]
    grant_id: Mapped[int | None]
    method: Mapped[str] = mapped_column(default="qr")
    direction: Mapped[str]
    admit: Mapped[bool]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    trace: Mapped[list[Any]] = mapped_column(JSONB)
