"""What access tells the world."""

from datetime import datetime
from typing import ClassVar

from domain.kernel.events import Event


class ZoneChanged(Event, frozen=True):
    """A zone was made or changed."""

    name: ClassVar[str] = "zone.changed"
    zone_id: int
    site_id: int


class GateChanged(Event, frozen=True):
    """A gate was made or changed."""

    name: ClassVar[str] = "gate.changed"
    gate_id: int
    site_id: int


class GateOnline(Event, frozen=True):
    """A gate's link came up."""

    name: ClassVar[str] = "gate.online"
    gate_id: int
    site_id: int


class GateOffline(Event, frozen=True):
    """A gate's link went down, or it fell silent."""

    name: ClassVar[str] = "gate.offline"
    gate_id: int
    site_id: int


class GateAlarmRaised(Event, frozen=True):
    """A gate raised an alarm, or the server did about it."""

    name: ClassVar[str] = "gate.alarm_raised"
    gate_id: int
    site_id: int
    alarm: str


class GateAlarmCleared(Event, frozen=True):
    """An alarm is over."""

    name: ClassVar[str] = "gate.alarm_cleared"
    gate_id: int
    site_id: int
    alarm: str


class DeviceProvisioned(Event, frozen=True):
    """A gate was given a new device account."""

    name: ClassVar[str] = "gate.provisioned"
    gate_id: int
    site_id: int


class GuestPassRequested(Event, frozen=True):
    """A host expects a guest."""

    name: ClassVar[str] = "guest_pass.requested"
    aliases: ClassVar[tuple[str, ...]] = ("GuestPassRequestedEvent",)
    guest_pass_id: int
    site_id: int
    host_user_id: int


class GuestPassRevoked(Event, frozen=True):
    """A pass opens nothing any more."""

    name: ClassVar[str] = "guest_pass.revoked"
    guest_pass_id: int
    site_id: int
    host_user_id: int


class GuestPassExpired(Event, frozen=True):
    """A pass's window has ended."""

    name: ClassVar[str] = "guest_pass.expired"
    guest_pass_id: int
    site_id: int
    host_user_id: int


class AccessRecorded(Event, frozen=True):
    """An event of a gate stands in the access log."""

    name: ClassVar[str] = "access.recorded"
    aliases: ClassVar[tuple[str, ...]] = ("AccessEvent",)
    access_id: int
    site_id: int
    gate_id: int
    kind: str
    at: datetime
    received_at: datetime
    direction: str | None = None
    admit: bool | None = None
    reason: str | None = None
    historical: bool = False


class VisitLogged(Event, frozen=True):
    """A guest came in or went out. ``first`` marks the arrival."""

    name: ClassVar[str] = "visit.logged"
    aliases: ClassVar[tuple[str, ...]] = ("VisitLoggedEvent",)
    visit_id: int
    site_id: int
    guest_pass_id: int
    host_user_id: int
    gate_id: int
    action: str
    first: bool
    at: datetime
