"""What identity tells the world."""

from typing import ClassVar, Literal

from domain.kernel.events import Closing, Event

Ending = Literal["logout", "reuse", "password", "deactivated"]


class UserCreated(Event, frozen=True):
    """Somebody has an account now."""

    name: ClassVar[str] = "user.created"
    aliases: ClassVar[tuple[str, ...]] = ("auth.user.registered", "user_registered")
    user_id: int


class UserRoleChanged(Event, frozen=True):
    """A role was given or taken; no site means everywhere."""

    name: ClassVar[str] = "user.role_changed"
    user_id: int
    site_id: int | None
    role: str
    granted: bool

    @property
    def closes(self) -> Closing:
        """What the person follows was opened with other rights."""
        return Closing(self.user_id)


class UserPasswordChanged(Event, frozen=True):
    """A new password replaced the old one."""

    name: ClassVar[str] = "user.password_changed"
    user_id: int


class UserDeactivated(Event, frozen=True):
    """The account may not be used any more."""

    name: ClassVar[str] = "user.deactivated"
    user_id: int

    @property
    def closes(self) -> Closing:
        """A deactivated person listens to nothing."""
        return Closing(self.user_id)


class SessionCreated(Event, frozen=True):
    """Somebody signed in."""

    name: ClassVar[str] = "session.created"
    aliases: ClassVar[tuple[str, ...]] = ("auth.user.login",)
    session_id: int
    user_id: int


class SessionRevoked(Event, frozen=True):
    """A session ended: its tokens are worth nothing from now on."""

    name: ClassVar[str] = "session.revoked"
    aliases: ClassVar[tuple[str, ...]] = ("auth.user.logout",)
    session_id: int
    user_id: int
    reason: Ending

    @property
    def closes(self) -> Closing:
        """The session's sockets end with it."""
        return Closing(self.user_id, self.session_id)


class SessionReuseDetected(Event, frozen=True):
    """A refresh token came again after it had been replaced: somebody else may hold a copy."""

    name: ClassVar[str] = "session.reuse_detected"
    session_id: int
    user_id: int
