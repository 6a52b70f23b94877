"""Cards, PINs and plates that open gates for a pass, and who is looked for."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.access.rules.watch_list import Action, Watched
from domain.kernel.database import Table, Versioned
from domain.kernel.errors import DomainError, Invalid


class CredentialRow(Table):
    """A card, PIN or plate of a pass: a digest to find it by, and of a PIN the generation that it is derived from."""

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("site_id", "kind", "digest"),
        CheckConstraint("kind IN ('nfc', 'pin', 'plate')", name="kind"),
        Index("credentials_grant_id_idx", "grant_id"),
        Index("credentials_pin_idx", "grant_id", unique=True, postgresql_where=text("kind = 'pin'")),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "credentials_site_id_kind_digest_key": Invalid.field("value", "another pass of this site has it"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    kind: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    generation: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class WatchRow(Table, Versioned):
    """Somebody whom a site keeps out, or wants to hear of; ``value`` is folded as it is compared."""

    __tablename__ = "watch_list"
    __table_args__ = (
        UniqueConstraint("site_id", "kind", "value"),
        CheckConstraint("kind IN ('name', 'email', 'plate', 'user')", name="kind"),
        CheckConstraint("action IN ('refuse', 'alert')", name="action"),
    )
    refusals: ClassVar[dict[str, DomainError]] = {
        "watch_list_site_id_kind_value_key": Invalid.field("value", "is on the list already"),
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    kind: Mapped[Watched] = mapped_column(Text)
    value: Mapped[str]
    action: Mapped[Action] = mapped_column(Text)
    reason: Mapped[str]
    created_by: Mapped[int | None]
    created_at: Mapped[datetime]
