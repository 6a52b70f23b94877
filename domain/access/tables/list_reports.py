"""When gates said first that they have a list of passes."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class ListReportRow(Table):
    """The first moment at which a gate said that it has this revision of its list."""

    __tablename__ = "list_reports"
    __table_args__ = (Index("list_reports_reported_at_idx", "reported_at"),)

    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reported_at: Mapped[datetime]
