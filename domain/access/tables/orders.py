"""What gates are ordered: how they shall be, as state that is published again and again, and what they shall do now."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.rules.facts import Mode
from domain.kernel.database import Table, Versioned

MODES = "mode IN ('normal', 'free', 'locked', 'lockdown', 'evacuate')"


class SiteModeRow(Table, Versioned):
    """What holds for all gates of a site; no row is normal."""

    __tablename__ = "site_modes"
    __table_args__ = (CheckConstraint("mode IN ('normal', 'lockdown', 'evacuate')", name="mode"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    mode: Mapped[Mode] = mapped_column(Text)
    until: Mapped[datetime | None]
    reason: Mapped[str]


class GateOrderRow(Table):
    """How one gate shall be, what the broker was given of it, and what the gate says of it; no row is normal.

    ``own_mode`` is what was ordered for this gate alone, ``mode`` what comes of it and of the site's. ``revision`` is
    the moment of the order in Unix milliseconds and always above the last one: it grows after a restored backup too.
    """

    __tablename__ = "gate_orders"
    __table_args__ = (
        CheckConstraint(MODES, name="mode"),
        CheckConstraint("own_mode IN ('normal', 'free', 'locked')", name="own_mode"),
        Index("gate_orders_unpublished_idx", "gate_id", postgresql_where=text("published <> revision")),
        Index("gate_orders_own_until_idx", "own_until", postgresql_where=text("own_until IS NOT NULL")),
    )

    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"), primary_key=True, autoincrement=False)
    own_mode: Mapped[Mode] = mapped_column(Text, default="normal")
    own_until: Mapped[datetime | None]
    mode: Mapped[Mode] = mapped_column(Text, default="normal")
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=0)
    ordered_at: Mapped[datetime]
    published: Mapped[int] = mapped_column(default=0)
    reported_mode: Mapped[str | None]
    reported_revision: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]


class GateCommandRow(Table):
    """Something a gate shall do now or not at all. ``number`` grows per gate as revisions do.

    ``written_down``: the walk that it opens the gate for stands in the log by the desk's hand, so that the gate's own
    report of it is no second one.
    """

    __tablename__ = "gate_commands"
    __table_args__ = (
        UniqueConstraint("gate_id", "number"),
        CheckConstraint("verb IN ('open', 'identify', 'reboot')", name="verb"),
        CheckConstraint("state IN ('waiting', 'sent', 'done', 'failed', 'expired')", name="state"),
        Index("gate_commands_open_idx", "expires_at", postgresql_where=text("state IN ('waiting', 'sent')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"))
    number: Mapped[int]
    verb: Mapped[str]
    direction: Mapped[str | None]
    reason: Mapped[str]
    ordered_by: Mapped[int | None]
    ordered_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="waiting")
    code: Mapped[str] = mapped_column(default="")
    written_down: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    answered_at: Mapped[datetime | None]
