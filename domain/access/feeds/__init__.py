"""What one can follow of access: the log, the zones, the gates, the guests of the day. For staff of the site."""

from domain.access.feeds.access_log import Looked, Looking, log
from domain.access.feeds.gate_states import gates, pulse
from domain.access.feeds.guest_list import guests
from domain.access.feeds.zones import ZoneItem, occupancy

__all__ = ["Looked", "Looking", "ZoneItem", "gates", "guests", "log", "occupancy", "pulse"]
