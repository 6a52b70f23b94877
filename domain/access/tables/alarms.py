"""What is wrong at a site until somebody has seen to it: alarms of gates, and those the server raises itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.rules.alarm_kinds import AlarmKind
from domain.kernel.database import Table, Versioned

OPEN = "state IN ('raised', 'acknowledged')"
UNATTENDED = "state = 'raised' AND escalated_at IS NULL"


class AlarmRow(Table, Versioned):
    """One alarm: raised, acknowledged, cleared, closed. Open, it is one per gate (or site) and kind; repeats count."""

    __tablename__ = "alarms"
    __table_args__ = (
        CheckConstraint("state IN ('raised', 'acknowledged', 'cleared', 'closed')", name="state"),
        CheckConstraint("count > 0", name="count"),
        Index("alarms_site_id_idx", "site_id", "id"),
        Index(
            "alarms_open_idx",
            "site_id",
            func.coalesce(text("gate_id"), text("0")),
            "kind",
            unique=True,
            postgresql_where=text(OPEN),
        ),
        Index("alarms_unattended_idx", "raised_at", postgresql_where=text(UNATTENDED)),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("gates.id"))
    kind: Mapped[AlarmKind] = mapped_column(Text)
    state: Mapped[str] = mapped_column(default="raised")
    raised_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    detail: Mapped[dict[str, Any]]
    acknowledged_by: Mapped[int | None]
    acknowledged_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    closed_by: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
