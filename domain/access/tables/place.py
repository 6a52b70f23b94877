"""The building: zones, the gates between them, and the account each gate speaks through."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class ZoneRow(Table, Versioned):
    """An area one can be in. ``ordinal`` is its bit in a pass; ``taken`` moves with every hold and passage."""

    __tablename__ = "zones"
    __table_args__ = (
        UniqueConstraint("site_id", "ordinal"),
        UniqueConstraint("site_id", "name"),
        ForeignKeyConstraint(["site_id", "schedule_id"], ["schedules.site_id", "schedules.id"]),
        CheckConstraint("ordinal BETWEEN 0 AND 31", name="ordinal"),
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("passback IN ('hard', 'soft', 'timed', 'off')", name="passback"),
        CheckConstraint(
            "(passback = 'timed') = (passback_minutes IS NOT NULL) AND passback_minutes > 0",
            name="passback_minutes",
        ),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "zones_site_id_name_key": Invalid.field("name", "another zone of this site has it"),
        "zones_ordinal_check": Invalid.field("siteId", "has 32 zones already, which is all a pass can name"),
        "zones_site_id_fkey": Invalid.field("siteId", "there is no such site"),
        "zones_site_id_schedule_id_fkey": Invalid.field("scheduleId", "this site has no such schedule"),
        "zones_passback_minutes_check": Invalid.field(
            "passbackMinutes", "goes with the passback `timed`, and with no other"
        ),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    ordinal: Mapped[int]
    name: Mapped[str]
    capacity: Mapped[int | None]
    for_guests: Mapped[bool]
    offline_policy: Mapped[str]
    schedule_id: Mapped[int | None]
    passback: Mapped[str] = mapped_column(default="hard")
    passback_minutes: Mapped[int | None]
    in_order: Mapped[bool] = mapped_column(default=False)
    first_person: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime | None]
    two_person: Mapped[bool] = mapped_column(default=False)
    inside: Mapped[int] = mapped_column(default=0)
    taken: Mapped[int] = mapped_column(default=0)


class GateRow(Table, Versioned):
    """A way between two zones, or between a zone and the street (null), and what is known of its state."""

    __tablename__ = "gates"
    __table_args__ = (
        UniqueConstraint("site_id", "name"),
        CheckConstraint("from_zone_id IS DISTINCT FROM to_zone_id OR desk", name="leads_somewhere"),
        CheckConstraint("battery BETWEEN 0 AND 100", name="battery"),
        CheckConstraint("power IN ('mains', 'battery')", name="power"),
        Index("gates_desk_idx", "site_id", unique=True, postgresql_where=text("desk")),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "gates_site_id_name_key": Invalid.field("name", "another gate of this site has it"),
        "gates_leads_somewhere_check": Invalid.field("toZoneId", "must differ from fromZoneId"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str]
    from_zone_id: Mapped[int | None] = mapped_column(ForeignKey("zones.id"))
    to_zone_id: Mapped[int | None] = mapped_column(ForeignKey("zones.id"))
    desk: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)
    mode: Mapped[str] = mapped_column(default="normal")
    link: Mapped[str] = mapped_column(default="unknown")
    link_since: Mapped[datetime | None]
    epoch: Mapped[bytes | None]
    birth: Mapped[int] = mapped_column(default=0)
    last_seen_at: Mapped[datetime | None]
    last_seq: Mapped[int] = mapped_column(default=0)
    queue_depth: Mapped[int] = mapped_column(default=0)
    clock_offset_ms: Mapped[int] = mapped_column(default=0)
    firmware: Mapped[str] = mapped_column(default="")
    hardware: Mapped[str] = mapped_column(default="")
    capabilities: Mapped[list[Any]] = mapped_column(default=list)
    directions: Mapped[list[Any]] = mapped_column(default=list)
    time_zone: Mapped[str] = mapped_column(default="")
    journal_low: Mapped[int] = mapped_column(default=0)
    journal_high: Mapped[int] = mapped_column(default=0)
    list_revision: Mapped[int] = mapped_column(default=0)
    config_revision: Mapped[int] = mapped_column(default=0)
    uptime_s: Mapped[int | None]
    rssi: Mapped[int | None]
    temperature: Mapped[float | None]
    battery: Mapped[int | None]
    power: Mapped[str | None]


class DeviceRow(Table):
    """The broker account of a gate; the broker is brought to it whenever ``revision`` is not the applied one.

    No password is kept: it is derived from the installation's secret and ``generation``. Who gave the account last and
    who switched it off or on last stand beside it; the whole history is in the facts.
    """

    __tablename__ = "devices"

    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"), primary_key=True, autoincrement=False)
    generation: Mapped[int]
    enabled: Mapped[bool]
    revision: Mapped[int]
    applied_revision: Mapped[int] = mapped_column(default=0)
    hardware: Mapped[str] = mapped_column(default="")
    public_key: Mapped[str | None]
    provisioned_at: Mapped[datetime | None]
    provisioned_by: Mapped[int | None]
    switched_at: Mapped[datetime | None]
    switched_by: Mapped[int | None]
    switched_why: Mapped[str] = mapped_column(default="")
