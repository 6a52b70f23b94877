"""What is kept of events that retention has dropped, so that a replay of the log still comes out right."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class SettlementRow(Table):
    """The account of a site's events received before a moment; ``zones`` holds a tally per zone that has any."""

    __tablename__ = "settlements"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    before: Mapped[datetime]
    zones: Mapped[dict[str, Any]]


class SettledPassRow(Table):
    """Where a pass was by the events that are settled."""

    __tablename__ = "settled_passes"
    __table_args__ = (Index("settled_passes_site_id_idx", "site_id"),)

    grant_id: Mapped[int] = mapped_column(
        ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    site_id: Mapped[int]
    inside_zone_id: Mapped[int | None]
    entered: Mapped[int]
    moved_at: Mapped[datetime | None]
    moved_by: Mapped[int | None]
