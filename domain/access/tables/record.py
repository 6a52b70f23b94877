"""What happened at the gates.

1. ``access_keys`` holds each (gate, epoch, seq) once, for ever: a redelivery is recognised on any day.
2. ``access_log`` is partitioned by the day of receipt, so that retention drops whole days; its rows carry the
   gate's hash chain over the canonical event, in which the person is only a salted hash. Erasing a person empties
   ``grant_id`` and ``salt``, and the chain still verifies.
3. ``gate_epochs`` knows, per life of a gate's journal, up to where nothing is missing.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table

# Rows stand in the order of their receipt: a span of time is a span of pages, and no tree is kept for it.
BY_TIME: dict[str, Any] = {
    "postgresql_using": "brin",
    "postgresql_with": {"pages_per_range": 16, "autosummarize": "on"},
}


class AccessKeyRow(Table):
    """One event of one gate, and the hash that tells a repeat from a contradiction."""

    __tablename__ = "access_keys"
    __table_args__ = (Index("access_keys_received_at_idx", "received_at", **BY_TIME),)

    gate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[bytes] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]
    received_at: Mapped[datetime]


class AccessLogRow(Table):
    """One event as it stands in the log."""

    __tablename__ = "access_log"
    __table_args__ = (
        PrimaryKeyConstraint("id", "received_at"),
        Index("access_log_site_id_idx", "site_id", "id"),
        Index("access_log_gate_id_idx", "gate_id", "id"),
        Index("access_log_grant_id_idx", "grant_id", "id", postgresql_where=text("grant_id IS NOT NULL")),
        Index("access_log_received_at_idx", "received_at", **BY_TIME),
        {"postgresql_partition_by": "RANGE (received_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False))
    received_at: Mapped[datetime]
    site_id: Mapped[int]
    gate_id: Mapped[int]
    epoch: Mapped[bytes]
    seq: Mapped[int]
    at: Mapped[datetime]
    clock: Mapped[str]
    kind: Mapped[str]
    rid: Mapped[str | None]
    decision: Mapped[str | None]
    source: Mapped[str]
    historical: Mapped[bool]
    direction: Mapped[str | None]
    zone_id: Mapped[int | None]
    admit: Mapped[bool | None]
    reason: Mapped[str | None]
    grant_id: Mapped[int | None]
    salt: Mapped[bytes | None]
    detail: Mapped[dict[str, Any]]
    canonical: Mapped[bytes] = mapped_column(LargeBinary)
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


_OTHER_DAYS = text("CREATE TABLE access_log_other PARTITION OF access_log DEFAULT")
event.listen(
    AccessLogRow.__table__, "after_create", lambda _, connection, **__: connection.execute(_OTHER_DAYS)
)


class GateEpochRow(Table):
    """One life of a gate's journal: nothing is missing up to ``watermark``; ``highest`` is the newest seen.

    ``asked_at`` is when the gate was asked for what is missing, ``missed_at`` when that was raised as an alarm.
    """

    __tablename__ = "gate_epochs"
    __table_args__ = (
        Index("gate_epochs_asked_idx", "gate_id", postgresql_where=text("asked_at IS NOT NULL")),
    )

    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"), primary_key=True, autoincrement=False)
    epoch: Mapped[bytes] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    watermark: Mapped[int] = mapped_column(default=0)
    highest: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]


class VisitRow(Table):
    """A guest came in or went out; of one who was erased it is not known who."""

    __tablename__ = "visits"
    __table_args__ = (
        Index("visits_site_id_idx", "site_id", "id"),
        Index("visits_guest_pass_id_idx", "guest_pass_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    site_id: Mapped[int]
    guest_pass_id: Mapped[int | None] = mapped_column(ForeignKey("guest_passes.id"))
    host_user_id: Mapped[int] = mapped_column(index=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"))
    access_id: Mapped[int] = mapped_column(unique=True)
    action: Mapped[str]
    at: Mapped[datetime]


class QuarantineRow(Table):
    """A message that could not be taken into the log, kept whole with the reason."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("quarantine_gate_id_idx", "gate_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    topic: Mapped[str]
    gate_id: Mapped[int | None]
    reason: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
