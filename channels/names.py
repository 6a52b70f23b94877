"""What a channel's name says by itself.

`namespace:rest` belongs to the namespace before the first colon, any other name to none. `$` in front asks for a
token always. What follows the last `#` are the users it is limited to, with commas. Otherwise a name is opaque:
`$news` and `news` are two channels.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct

from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError

LONGEST: Final = 255
PRIVATE: Final = "$"
NAMESPACE_END: Final = ":"
USERS: Final = "#"
USER_END: Final = ","
RESERVED_FRONT: Final = ("&", "/")
"""`&` in front is for channels between hubs, `/` for patterns to come."""
RESERVED: Final = "*"


class ChannelName(Struct, frozen=True):
    """A name taken apart."""

    namespace: str
    """Empty where the name has no colon."""
    private: bool
    """Whether only a token opens it."""
    users: tuple[str, ...] | None
    """The users it is limited to; None is no limit."""

    def is_for(self, user: str) -> bool:
        """Whether the channel is limited to users, of whom ``user`` is one; an anonymous one never is."""
        return bool(user) and self.users is not None and user in self.users


@lru_cache(maxsize=4096)
def read(channel: str) -> ChannelName:
    """Take a name apart.

    Raises:
        ProtocolError: 107, it is no name: empty, too long, not printable ASCII, or with a reserved character.
    """
    if not is_name(channel):
        raise ProtocolError(ErrorCode.BAD_REQUEST, "channel is not a name")
    public = channel.removeprefix(PRIVATE)
    namespace, colon, _ = public.partition(NAMESPACE_END)
    _, limited, users = public.rpartition(USERS)
    return ChannelName(
        # A colon in front names a namespace that cannot be declared.
        namespace=(namespace or NAMESPACE_END) if colon else "",
        private=channel.startswith(PRIVATE),
        users=tuple(users.split(USER_END)) if limited else None,
    )


def is_name(channel: str) -> bool:
    """Whether a client may use this name at all."""
    return (
        0 < len(channel) <= LONGEST
        and channel.isascii()
        and channel.isprintable()
        and not channel.startswith(RESERVED_FRONT)
        and RESERVED not in channel
    )


def personal(user: str, namespace: str = "") -> str:
    """Name the channel of one user alone."""
    return f"{namespace}{NAMESPACE_END if namespace else ''}{USERS}{user}"
