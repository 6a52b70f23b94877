"""What a gate remembers of passes it has let through: enough to refuse a second entry without a link."""

from collections import OrderedDict

from msgspec.structs import replace

from domain.access.rules.facts import PassFacts, facts_of_claim
from domain.access.rules.token import PassClaim

CAPACITY = 10_000
"""Passes remembered; the one not seen for longest is forgotten first."""


class Memory:
    """Passages by pass, as this gate saw them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[int, int | None]] = OrderedDict()

    def walked(self, pass_id: int, *, leaves: int | None, enters: int | None) -> None:
        """Remembers a passage from one zone (None = the street) into another."""
        entered, _ = self._seen.pop(pass_id, (0, None))
        self._seen[pass_id] = (entered + (leaves is None and enters is not None), enters)
        if len(self._seen) > CAPACITY:
            self._seen.popitem(last=False)

    def facts(self, claim: PassClaim) -> PassFacts:
        """Returns what the pass says of itself together with what was seen of it here."""
        entered, inside = self._seen.get(claim.pass_id, (0, None))
        return replace(facts_of_claim(claim), entered=entered, inside_zone=inside)
