"""What one connection may do, and how long it is waited for."""

from msgspec import Struct

from channels.rate import Rate


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of one connection; the defaults are those of the protocol's own server."""

    channels: int = 128
    channel_name: int = 255
    history: int = 300
    """Publications in one history reply."""
    commands: Rate = Rate(2000, 10.0)
    """Beyond it commands are refused with 111, and a client that goes on all the same is closed with 3013. It is far
    above what an app with 128 channels sends when it comes back."""
    refusals: Rate = Rate(200, 60.0)
    """A client that is refused more than this for good is closed with 3509. What it may try again is not counted."""
    frame_bytes: int = 65536
    """A larger frame closes with 1009."""
    waiting_commands: int = 256
    """Commands read but not begun; beyond, reading pauses."""
    concurrent_calls: int = 8
    queued_messages: int = 4096
    """Messages not yet written; beyond, the connection is closed as slow and recovers from history."""
    queued_bytes: int = 1024 * 1024
    queued_publications: int = 64
    """Publications of one channel not yet written, where the channel lets its oldest give way."""
    joined_bytes: int = 262144
    """Waiting messages leave in one frame up to this size; clients bound what they read."""
    connect_s: float = 10.0
    ping_s: float = 25.0
    pong_s: float = 8.0
    grace_s: float = 25.0
    """How long after its end an expired token is still waited to be replaced."""
    answer_s: float = 10.0
    """How long the application and the broker are waited for."""
    call_s: float = 30.0
    """How long a procedure may take."""
    write_s: float = 5.0
    """How long a client may take nothing of what is written; then it is closed with 3009."""
