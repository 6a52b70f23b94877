"""What follows the log of facts: how much passes through each gate, in minutes and in quarters of an hour."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.access.events import AccessRecorded
from domain.access.tables.traffic import TrafficRow
from domain.kernel.followers import follower
from domain.kernel.log import Fact

SPANS = (1, 15)
PASSAGES, ADMITTED, DENIED = range(3)


@follower("access.traffic", AccessRecorded)
async def count_traffic(db: AsyncSession, facts: Sequence[Fact]) -> None:
    """Count what gates report live, by the moment of receipt: a gate's own clock may be what is wrong."""
    counts: defaultdict[tuple[int, int, datetime], list[int]] = defaultdict(lambda: [0, 0, 0])
    for fact in facts:
        event = fact.event
        assert isinstance(event, AccessRecorded)
        if event.historical or event.kind not in ("passage", "decision"):
            continue
        what = PASSAGES if event.kind == "passage" else ADMITTED if event.admit else DENIED
        for minutes in SPANS:
            counts[event.gate_id, minutes, span_of(event.received_at, minutes)][what] += 1
    if counts:
        await _add(db, sorted((*key, *counted) for key, counted in counts.items()))


def span_of(moment: datetime, minutes: int) -> datetime:
    """Return when the span began that a moment lies in."""
    seconds = minutes * 60
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


async def _add(db: AsyncSession, rows: Sequence[tuple[object, ...]]) -> None:
    names = ("gate_id", "minutes", "began_at", "passages", "admitted", "denied")
    fresh = insert(TrafficRow).values([dict(zip(names, row, strict=True)) for row in rows])
    added = {name: getattr(TrafficRow, name) + getattr(fresh.excluded, name) for name in names[3:]}
    await db.execute(fresh.on_conflict_do_update(index_elements=list(names[:3]), set_=added))
