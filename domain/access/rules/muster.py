"""Who is inside, and how sure that is; whether the numbers add up, and what to say where they do not."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

Confidence = Literal["seen", "assumed", "doubt"]

FRESH = timedelta(hours=12)
"""Whoever came in longer ago may have left by a way that nobody watches."""
DOUBTS = frozenset({"tailgate", "forced"})
"""Alarms after which somebody may have come or gone unseen."""


def confidence(entered_at: datetime, now: datetime, *, sure: bool, doubted_at: datetime | None) -> Confidence:
    """Returns how sure it is that somebody is where they were seen last.

    ``sure``: the gate knew the time and had its link when it saw them; ``doubted_at``: the last doubtful alarm at a
    gate of their zone.
    """
    if doubted_at is not None and doubted_at >= entered_at:
        return "doubt"
    return "seen" if sure and now - entered_at < FRESH else "assumed"


def place_after(kind: str, left: int | None, entered: int | None) -> int | None:
    """Returns where somebody stands after an event at a gate: who was only asked about has not walked through yet."""
    return entered if kind == "passage" else left


def is_safe(place: int | None, points: Collection[int]) -> bool:
    """Returns whether a place is outside, or one where people gather."""
    return place is None or place in points


class ZoneSum(Struct, frozen=True, kw_only=True, rename="camel"):
    """How the number of people in a zone comes about: inside = came - went + corrected + elsewhere.

    ``elsewhere`` is what passes account for that were next seen at another gate than the one they should have left by.
    ``known`` are those with a pass we know, ``unknown`` the others; ``remarks`` say in words what does not add up.
    """

    zone_id: int
    name: str
    inside: int
    came: int
    went: int
    corrected: int
    elsewhere: int
    known: int
    unknown: int
    safe: int
    remarks: tuple[str, ...]


def reconcile(
    zone_id: int,
    name: str,
    inside: int,
    parts: tuple[int, int, int],
    seen: tuple[int, int],
) -> ZoneSum:
    """Returns the sum of one zone; ``parts`` are came, went, corrected; ``seen`` how many are known, and safe."""
    came, went, corrected = parts
    known, safe = seen
    elsewhere = inside - (came - went + corrected)
    return ZoneSum(
        zone_id=zone_id,
        name=name,
        inside=inside,
        came=came,
        went=went,
        corrected=corrected,
        elsewhere=elsewhere,
        known=known,
        unknown=max(inside - known, 0),
        safe=safe,
        remarks=tuple(_remarks(inside, elsewhere, known)),
    )


def _remarks(inside: int, elsewhere: int, known: int) -> list[str]:
    said = []
    if inside < 0:
        said.append(f"{-inside} more left than were counted in: some were inside before counting began")
    if elsewhere < 0:
        said.append(f"{-elsewhere} left without being seen at a gate of this zone: seen next elsewhere")
    if elsewhere > 0:
        said.append(f"{elsewhere} are here without being seen to come in")
    if known > inside >= 0:
        said.append(f"{known - inside} more passes than people counted: look for {known}")
    return said
