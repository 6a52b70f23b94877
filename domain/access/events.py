"""What access tells the world."""

from datetime import datetime
from typing import ClassVar

from domain.kernel.events import Event


class ZoneChanged(Event, frozen=True):
    """A zone was made or changed."""

    name: ClassVar[str] = "zone.changed"
    zone_id: int
    site_id: int


class ScheduleChanged(Event, frozen=True):
    """Hours were named or changed."""

    name: ClassVar[str] = "schedule.changed"
    schedule_id: int
    site_id: int


class WatchListChanged(Event, frozen=True):
    """Somebody was put on a watch-list, or taken off it."""

    name: ClassVar[str] = "watch.changed"
    watch_id: int
    site_id: int
    on: bool


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
    """A gate raised an alarm, or the server did, about a gate or (without one) the whole site."""

    name: ClassVar[str] = "gate.alarm_raised"
    alarm_id: int
    gate_id: int | None
    site_id: int
    alarm: str

    @property
    def aggregate(self) -> str:
        """An alarm has a life of its own."""
        return "alarm"


class GateAlarmCleared(Event, frozen=True):
    """An alarm is over."""

    name: ClassVar[str] = "gate.alarm_cleared"
    alarm_id: int
    gate_id: int | None
    site_id: int
    alarm: str

    @property
    def aggregate(self) -> str:
        """An alarm has a life of its own."""
        return "alarm"


class GateAlarmAcknowledged(Event, frozen=True):
    """A guard has taken an alarm on."""

    name: ClassVar[str] = "gate.alarm_acknowledged"
    alarm_id: int
    gate_id: int | None
    site_id: int
    alarm: str
    by_user_id: int

    @property
    def aggregate(self) -> str:
        """An alarm has a life of its own."""
        return "alarm"


class GateAlarmEscalated(Event, frozen=True):
    """Nobody has acknowledged an alarm in time."""

    name: ClassVar[str] = "gate.alarm_escalated"
    alarm_id: int
    gate_id: int | None
    site_id: int
    alarm: str

    @property
    def aggregate(self) -> str:
        """An alarm has a life of its own."""
        return "alarm"


class GateAlarmClosed(Event, frozen=True):
    """An alarm was taken off the board."""

    name: ClassVar[str] = "gate.alarm_closed"
    alarm_id: int
    gate_id: int | None
    site_id: int
    alarm: str
    by_user_id: int | None

    @property
    def aggregate(self) -> str:
        """An alarm has a life of its own."""
        return "alarm"


class DeviceProvisioned(Event, frozen=True):
    """A gate was given a new device account."""

    name: ClassVar[str] = "gate.provisioned"
    gate_id: int
    site_id: int


class DeviceDisabled(Event, frozen=True):
    """A gate's device was locked out."""

    name: ClassVar[str] = "gate.device_disabled"
    gate_id: int
    site_id: int
    reason: str


class DeviceEnabled(Event, frozen=True):
    """A gate's device was let in again."""

    name: ClassVar[str] = "gate.device_enabled"
    gate_id: int
    site_id: int
    reason: str


class EnrolmentOpened(Event, frozen=True):
    """Somebody asked for a token by which a device becomes the device of a gate."""

    name: ClassVar[str] = "gate.enrolment_opened"
    gate_id: int
    site_id: int
    expires_at: datetime


class SiteOrdered(Event, frozen=True):
    """All gates of a site shall be so."""

    name: ClassVar[str] = "site.ordered"
    site_id: int
    mode: str
    reason: str
    until: datetime | None = None


class GateOrdered(Event, frozen=True):
    """A gate shall be so."""

    name: ClassVar[str] = "gate.ordered"
    gate_id: int
    site_id: int
    mode: str
    revision: int
    reason: str
    until: datetime | None = None


class GateObeyed(Event, frozen=True):
    """A gate says that it is as it shall be."""

    name: ClassVar[str] = "gate.obeyed"
    gate_id: int
    site_id: int
    mode: str
    revision: int


class GateCommanded(Event, frozen=True):
    """A gate shall do something now."""

    name: ClassVar[str] = "gate.commanded"
    command_id: str
    gate_id: int
    site_id: int
    verb: str
    reason: str
    direction: str | None = None


class GateCommandEnded(Event, frozen=True):
    """A command was done, or failed, or nobody answered it in time."""

    name: ClassVar[str] = "gate.command_ended"
    command_id: str
    gate_id: int
    site_id: int
    state: str
    code: str


class PassIssued(Event, frozen=True):
    """A badge, a ticket, or another pass of its own was made."""

    name: ClassVar[str] = "pass.issued"
    pass_id: int
    site_id: int
    kind: str
    holder_user_id: int | None


class PassChanged(Event, frozen=True):
    """What a pass opens, or what it is shown by, was changed."""

    name: ClassVar[str] = "pass.changed"
    pass_id: int
    site_id: int


class PassRevoked(Event, frozen=True):
    """A badge, a ticket, or another pass of its own opens nothing any more."""

    name: ClassVar[str] = "pass.revoked"
    pass_id: int
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


class GuestPassForgiven(Event, frozen=True):
    """Somebody on duty said where a pass is after all."""

    name: ClassVar[str] = "guest_pass.forgiven"
    guest_pass_id: int
    site_id: int
    host_user_id: int


class GuestPassExpired(Event, frozen=True):
    """A pass's window has ended."""

    name: ClassVar[str] = "guest_pass.expired"
    guest_pass_id: int
    site_id: int
    host_user_id: int


class GuestPassErased(Event, frozen=True):
    """Who a guest was is not known any more."""

    name: ClassVar[str] = "guest_pass.erased"
    guest_pass_id: int
    site_id: int


class PassErased(Event, frozen=True):
    """Who held a pass is not known any more."""

    name: ClassVar[str] = "pass.erased"
    pass_id: int
    site_id: int


class SiteRetentionChanged(Event, frozen=True):
    """A site keeps what happens at its gates for another time."""

    name: ClassVar[str] = "site.retention_changed"
    site_id: int
    days: int


class IncidentHoldPlaced(Event, frozen=True):
    """What happened at a site in some hours is kept, whatever its age."""

    name: ClassVar[str] = "incident_hold.placed"
    incident_hold_id: int
    site_id: int


class IncidentHoldReleased(Event, frozen=True):
    """A hold keeps nothing any more."""

    name: ClassVar[str] = "incident_hold.released"
    incident_hold_id: int
    site_id: int


class AccessRecorded(Event, frozen=True):
    """An event of a gate stands in the access log."""

    name: ClassVar[str] = "access.recorded"
    aliases: ClassVar[tuple[str, ...]] = ("AccessEvent",)
    in_rushes: ClassVar[bool] = True
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


class MusterBegun(Event, frozen=True):
    """Everybody at a site is to be accounted for."""

    name: ClassVar[str] = "muster.begun"
    muster_id: int
    site_id: int


class MusterMarked(Event, frozen=True):
    """Somebody was seen to be safe, or was not after all."""

    name: ClassVar[str] = "muster.marked"
    muster_id: int
    site_id: int
    grant_id: int
    safe: bool


class MusterEnded(Event, frozen=True):
    """The accounting is over; of those who were inside so many were safe and so many not found."""

    name: ClassVar[str] = "muster.ended"
    muster_id: int
    site_id: int
    safe: int
    missing: int
