"""What one can follow of access: log, zones, gates, guests of the day, alarms, a muster. For staff of the site."""

from domain.access.feeds.access_log import Looked, Looking, log
from domain.access.feeds.alarm_board import alarms
from domain.access.feeds.gate_states import gates, pulse
from domain.access.feeds.guest_list import guests
from domain.access.feeds.muster_list import muster
from domain.access.feeds.zones import ZoneItem, occupancy

__all__ = [
    "Looked",
    "Looking",
    "ZoneItem",
    "alarms",
    "gates",
    "guests",
    "log",
    "muster",
    "occupancy",
    "pulse",
]
