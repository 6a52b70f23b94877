"""How much passes through each gate: minutes of the last hour, quarters of an hour of the last weeks."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class TrafficRow(Table):
    """What one gate reported live within one span of time; a span in which nothing happened has no row."""

    __tablename__ = "gate_traffic"
    __table_args__ = (
        CheckConstraint("minutes IN (1, 15)", name="minutes"),
        Index("gate_traffic_age_idx", "minutes", "began_at"),
    )

    gate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    passages: Mapped[int]
    admitted: Mapped[int]
    denied: Mapped[int]
