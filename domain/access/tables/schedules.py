"""When things are open at a site: named schedules, and the days that are holidays there."""

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Date, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class ScheduleRow(Table, Versioned):
    """Hours with a name, as `rules.hours.Hours`; passes and zones refer to it."""

    __tablename__ = "schedules"
    __table_args__ = (UniqueConstraint("site_id", "name"), UniqueConstraint("site_id", "id"))
    refusals: ClassVar[dict[str, DomainError]] = {
        "schedules_site_id_name_key": Invalid.field("name", "another schedule of this site has it"),
        "schedules_site_id_fkey": Invalid.field("siteId", "there is no such site"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str]
    hours: Mapped[dict[str, Any]]


class HolidayRow(Table):
    """A day of the site's calendar on which its schedules follow their hours of holidays."""

    __tablename__ = "holidays"
    refusals: ClassVar[dict[str, DomainError]] = {
        "holidays_site_id_fkey": Invalid.field("siteId", "there is no such site"),
    }

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    name: Mapped[str]
