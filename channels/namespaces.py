"""What may be done in channels that no feed has declared: options by namespace, read from a file, and who may.

1. A channel without a namespace has the options of `default`; a namespace that is not configured is unknown (102).
2. Flags open channels to users; to those who have not said who they are only together with the `anonymous` flag.
3. No flag opens a `$` channel to somebody who does not follow it, nor a `#` channel to somebody it does not name.
"""

import re
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

import msgspec
from msgspec import Struct

from channels.host import Opening, Pressure
from channels.names import ChannelName, is_name, personal, read
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError
from channels.stream import HistoryPolicy

ANY_NAME: Final = ChannelName("", private=False, users=None)
NAME: Final = re.compile(r"[-a-zA-Z0-9_]{2,}")
LARGEST_HISTORY: Final = 10_000
LONGEST_HISTORY_S: Final = 30 * 24 * 3600.0

T = TypeVar("T")
Action = Literal["publish", "presence", "history"]


class BadNamespaces(ValueError):
    """A configuration that cannot be used; the message names the field."""


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the channels of one namespace behave. Everything is off and closed unless it is opened here."""

    history_size: int = 0
    """Publications that are remembered; 0 is no history."""
    history_ttl_s: float = 0.0
    """Seconds they are remembered after the last one."""
    recovery_mode: Literal["stream", "cache"] = "stream"
    force_recovery: bool = False
    force_positioning: bool = False
    presence: bool = False
    join_leave: bool = False
    force_push_join_leave: bool = False
    delta: bool = False
    """Whether followers may ask for differences; needs history."""
    pressure: Literal["disconnect", "latest", "oldest"] = "disconnect"
    """What becomes of publications that a follower does not take in time."""
    allow_user_limited_channels: bool = False
    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_presence_for_client: bool = False
    allow_presence_for_subscriber: bool = False
    allow_presence_for_anonymous: bool = False
    allow_history_for_client: bool = False
    allow_history_for_subscriber: bool = False
    allow_history_for_anonymous: bool = False

    @property
    def history(self) -> HistoryPolicy | None:
        """What is remembered."""
        return HistoryPolicy(self.history_size, self.history_ttl_s) if self.history_size else None

    def opening(self, *, anonymous: bool, insecure: bool = False) -> Opening:
        """Return what following a channel brings."""
        user = "" if anonymous else "somebody"

        def may(action: Action) -> bool:
            return insecure or self.may(action, ANY_NAME, user, follows=True)

        return Opening(
            history=self.history,
            recovery=self.recovery_mode,
            positioned=self.force_positioning or self.force_recovery,
            recoverable=self.force_recovery,
            presence=self.presence,
            join_leave=self.join_leave,
            push_join_leave=self.force_push_join_leave,
            may_publish=may("publish"),
            may_read_history=may("history"),
            may_read_presence=may("presence"),
            delta=self.delta,
            pressure=Pressure[self.pressure.upper()],
        )

    def may_subscribe(self, name: ChannelName, user: str) -> bool:
        """Whether ``user`` may follow without a token."""
        if name.private:
            return False
        if name.users is not None:
            return self.allow_user_limited_channels and name.is_for(user)
        return self.allow_subscribe_for_client and (bool(user) or self.allow_subscribe_for_anonymous)

    def may(self, action: Action, name: ChannelName, user: str, *, follows: bool) -> bool:
        """Whether ``user``, who follows the channel or not, may do this in it."""
        if not user and not getattr(self, f"allow_{action}_for_anonymous"):
            return False
        if follows and getattr(self, f"allow_{action}_for_subscriber"):
            return True
        return bool(getattr(self, f"allow_{action}_for_client")) and (
            follows or (not name.private and (name.users is None or name.is_for(user)))
        )


class Override(Struct, frozen=True, kw_only=True):
    """What a token or the server API changes in the options of one subscription."""

    class Value(Struct, frozen=True):
        """A change, to be told from none."""

        value: bool

    presence: Value | None = None
    join_leave: Value | None = None
    force_push_join_leave: Value | None = None
    force_recovery: Value | None = None
    force_positioning: Value | None = None

    def of(self, options: Options) -> Options:
        """Return the options with the changes."""
        changes = {name: getattr(self, name).value for name in self.__struct_fields__ if getattr(self, name)}
        return msgspec.structs.replace(options, **changes)


class Namespaces(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    default: Options = Options()
    namespaces: dict[str, Options] = {}
    allow_anonymous_connect_without_token: bool = False
    subscribe_to_user_personal_channel: bool = False
    personal_channel_namespace: str = ""
    insecure: bool = False
    """Everybody may connect and do everything: for tests alone."""
    rpc_operations: list[str] = []
    """Operations that `rpc` of the server API may run, as the service itself."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML or JSON file.

        Raises:
            BadNamespaces: It cannot be read, or a field is not what it may be.
        """
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
        try:
            return cls.of(decode(path.read_bytes()))
        except (OSError, ValueError) as problem:  # msgspec's errors are ValueErrors
            raise BadNamespaces(f"{path}: {problem}") from problem

    @classmethod
    def of(cls, members: Any) -> Self:  # Any: what a file may hold
        """Read what a file holds; raises BadNamespaces."""
        declared = members.get("namespaces") if isinstance(members, dict) else None
        if isinstance(declared, dict):
            # One by one, since an error inside a mapping does not tell the key.
            read = {name: _convert(one, Options, f"namespaces.{name}") for name, one in declared.items()}
            found = msgspec.structs.replace(_convert({**members, "namespaces": {}}, cls, ""), namespaces=read)
        else:
            found = _convert(members, cls, "")
        found.check()
        return found

    def check(self) -> None:
        """Refuse what makes no sense together; raises BadNamespaces."""
        for name, options in {"": self.default, **self.namespaces}.items():
            place = f"namespaces.{name}" if name else "default"
            if name and not NAME.fullmatch(name):
                raise BadNamespaces(f"`{place}` must be named by two or more of a-z, A-Z, 0-9, - and _")
            _check(options, place)
        if self.personal_channel_namespace and self.personal_channel_namespace not in self.namespaces:
            raise BadNamespaces("`personal_channel_namespace` must be one of `namespaces`")

    def options(self, name: ChannelName) -> Options:
        """Return the options of a channel; raises `ProtocolError` 102 for an unknown namespace."""
        options = self.namespaces.get(name.namespace) if name.namespace else self.default
        if options is None:
            raise ProtocolError(ErrorCode.UNKNOWN_CHANNEL)
        return options

    def may_subscribe(self, channel: str, user: str) -> bool:
        """Whether ``user`` may follow without a token."""
        name = read(channel)
        return self.options(name).may_subscribe(name, user) or self.insecure

    def may(self, action: Action, channel: str, user: str, *, follows: bool) -> bool:
        """Whether ``user`` may do this in the channel."""
        name = read(channel)
        return self.options(name).may(action, name, user, follows=follows) or self.insecure

    def personal_channel(self, user: str) -> str | None:
        """Name the channel that ``user`` follows from the start; None where their name fits no channel."""
        channel = personal(user, self.personal_channel_namespace)
        if not self.subscribe_to_user_personal_channel or not user or not is_name(channel):
            return None
        # A comma in a user's name would make it the channel of two others.
        return channel if read(channel).users == (user,) else None

    def opening(self, channel: str, user: str, *, override: Override | None = None) -> Opening:
        """Return what following the channel brings."""
        options = self.options(read(channel))
        if override is not None:
            options = override.of(options)
        return options.opening(anonymous=not user, insecure=self.insecure)

    def glance(self, channel: str, user: str) -> Opening:
        """Return what somebody may do who does not follow the channel."""
        return msgspec.structs.replace(
            self.opening(channel, user),
            may_publish=self.may("publish", channel, user, follows=False),
            may_read_history=self.may("history", channel, user, follows=False),
            may_read_presence=self.may("presence", channel, user, follows=False),
        )


def _convert(members: Any, kind: type[T], place: str) -> T:  # Any: what a file may hold
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as problem:
        words = str(problem)
        if "`$" in words:
            raise BadNamespaces(words.replace("`$.", f"`{place}." if place else "`")) from problem
        raise BadNamespaces(f"{words} - at `{place or 'the top'}`") from problem


def _check(options: Options, place: str) -> None:
    if not 0 <= options.history_size <= LARGEST_HISTORY:
        raise BadNamespaces(f"`{place}.history_size` must be from 0 to {LARGEST_HISTORY}")
    if not 0 <= options.history_ttl_s <= LONGEST_HISTORY_S:
        raise BadNamespaces(f"`{place}.history_ttl_s` must be from 0 to {LONGEST_HISTORY_S:.0f}")
    if bool(options.history_size) != bool(options.history_ttl_s):
        raise BadNamespaces(f"`{place}` must set both of history_size and history_ttl_s, or none")
    if options.history_size:
        return
    for name in ("force_recovery", "force_positioning", "delta"):
        if getattr(options, name):
            raise BadNamespaces(f"`{place}.{name}` needs history_size and history_ttl_s")
