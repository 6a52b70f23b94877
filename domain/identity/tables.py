"""Rows that identity owns: people, what they may do where, how they are signed in.

1. One account per e-mail and per username, whatever their case.
2. A role is held once; ``admin`` is held everywhere, every other role at a site.
3. No row holds a secret: refresh and one-time tokens are made from a row's salt with a key of the installation.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.identity.rules.accounts import Taken
from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class UserRow(Table, Versioned):
    """A person's account. Without a password hash nobody can sign in to it until one is chosen by mail."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_email_key", text("lower(email)"), unique=True),
        Index("users_username_key", text("lower(username)"), unique=True),
        CheckConstraint("state IN ('active', 'deactivated')", name="state"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "users_email_key": Taken.field("email", "another account has it"),
        "users_username_key": Taken.field("username", "another account has it"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    email: Mapped[str]
    username: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    locale: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]


class RoleGrantRow(Table):
    """A role that a person holds at a site, or everywhere (null)."""

    __tablename__ = "role_grants"
    __table_args__ = (
        UniqueConstraint("user_id", "site_id", "role", postgresql_nulls_not_distinct=True),
        CheckConstraint("(role = 'admin') = (site_id IS NULL)", name="scope"),
        CheckConstraint("role IN ('member', 'guard', 'desk', 'manager', 'admin')", name="role"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "role_grants_site_id_fkey": Invalid.field("siteId", "there is no such site"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    role: Mapped[str]


class SessionRow(Table, Versioned):
    """A sign-in on one device. ``counter`` is the generation of its refresh token; it ends once, for ever."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_live_idx", "user_id", postgresql_where=text("ended_at IS NULL")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    salt: Mapped[bytes]
    counter: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str]
    user_agent: Mapped[str]


class OneTimeTokenRow(Table):
    """A right to do one thing once, sent to a person's own address."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (UniqueConstraint("salt"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    purpose: Mapped[str]
    salt: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    spent_at: Mapped[datetime | None]


class AttemptsRow(Table):
    """How often something limited was tried in the window that ends at ``ends_at``."""

    __tablename__ = "attempts"

    subject: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
