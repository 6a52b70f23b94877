"""Questions that have a name: the SQL beside this file, and look-ups that contexts above may make."""

from domain.access.queries.alarm_items import AlarmFacts, alarms_of
from domain.access.queries.gate_items import gate_items
from domain.access.queries.guests import GuestPassFacts, guest_passes_of

__all__ = ["AlarmFacts", "GuestPassFacts", "alarms_of", "gate_items", "guest_passes_of"]
