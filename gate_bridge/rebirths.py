"""Which gates to ask for a birth: those heard in a session that nobody knows the beginning of; pure.

1. What was found known is not looked up again for a minute: by then a database may be one of yesterday.
2. A gate is asked at most once in ten seconds, however often it speaks.
"""

from collections.abc import Collection, Iterable

from domain.access.operations.rebirths import Sighting

KNOWN_FOR_S = 60.0
ASK_AGAIN_AFTER_S = 10.0


class Rebirths:
    """One process's memory of births, an entry for each gate that has an account."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Sighting, float]] = {}
        self._asked: dict[int, float] = {}

    def doubtful(self, sightings: Iterable[Sighting], now: float) -> list[Sighting]:
        """Returns those to look up in the database."""
        return [one for one in sightings if not self._is_known(one, now) and not self._is_asked(one, now)]

    def unborn(self, doubtful: Collection[Sighting], unborn: Collection[int], now: float) -> list[Sighting]:
        """Takes what the lookup found, and returns whom to ask now."""
        asked = [one for one in doubtful if one.gate_id in unborn]
        self._asked.update((one.gate_id, now) for one in asked)
        self._known.update((one.gate_id, (one, now)) for one in doubtful if one.gate_id not in unborn)
        return asked

    def _is_known(self, one: Sighting, now: float) -> bool:
        known, at = self._known.get(one.gate_id, (None, 0.0))
        if known is None or now - at > KNOWN_FOR_S or known.epoch != one.epoch:
            return False
        return one.session is None or (known.session is not None and one.session <= known.session)

    def _is_asked(self, one: Sighting, now: float) -> bool:
        at = self._asked.get(one.gate_id)
        return at is not None and now - at < ASK_AGAIN_AFTER_S
