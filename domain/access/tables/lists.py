"""What gates are told to decide alone: the passes of a site under one revision, and the keys to read them with."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class SiteListRow(Table):
    """One row per site, locked by whoever changes what its gates are told; ``revision`` grows with each change.

    A revision is a moment in Unix milliseconds and always above the last one: it grows after a restored backup too.
    ``size`` and ``digest`` are of the lines as of it; ``published`` is the revision that the broker has. ``time_zone``
    is the site's, kept here too for decisions, which have no time to ask. The keys are random and made with the row: of
    cards, PINs and plates only digests under ``credential_key`` are kept, and rotating codes come from ``live_key``.
    """

    __tablename__ = "site_lists"
    __table_args__ = (
        CheckConstraint("size >= 0 AND octet_length(digest) = 32", name="digest"),
        Index("site_lists_unpublished_idx", "site_id", postgresql_where=text("published <> revision")),
    )

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    time_zone: Mapped[str]
    revision: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)
    digest: Mapped[bytes] = mapped_column(LargeBinary, default=bytes(32))
    published: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None]
    credential_key: Mapped[bytes] = mapped_column(LargeBinary)
    live_key: Mapped[bytes] = mapped_column(LargeBinary)


class ListEntryRow(Table):
    """A pass as gates are told it, as of a revision of its site's list; null where it has left the list.

    ``watch`` is what the watch-list says of its holder. It stands here, under the lock of the site's list, so that a
    new entry of the watch-list and a new pass cannot miss each other.
    """

    __tablename__ = "list_entries"
    __table_args__ = (
        Index("list_entries_site_id_idx", "site_id", "revision"),
        CheckConstraint("watch IN ('refuse', 'alert')", name="watch"),
    )

    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), primary_key=True, autoincrement=False)
    site_id: Mapped[int]
    revision: Mapped[int]
    watch: Mapped[str | None]
    entry: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
