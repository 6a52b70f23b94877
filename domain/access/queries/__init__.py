"""Questions that have a name: the SQL beside this file, and look-ups that contexts above may make."""

from domain.access.queries.gate_items import gate_items
from domain.access.queries.guests import GuestPassFacts, guest_passes_of

__all__ = ["GuestPassFacts", "gate_items", "guest_passes_of"]
