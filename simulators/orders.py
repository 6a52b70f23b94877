"""What a gate was ordered: the mode it is in, and which commands it has obeyed; both outlive a power cut.

1. Only what the server signed counts, whoever sent it.
2. A revision or a number not above the last one says nothing new: retained messages come again, and recordings may.
3. A command whose time has come, by the server's clock, is not obeyed.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.access.rules.facts import Mode
from domain.access.rules.orders import Purpose, is_signed
from gate_bridge import wire
from simulators.journal import Journal

Refusal = Literal["bad_sig", "replayed", "expired"]


class Orders:
    """One gate's orders, kept in its journal's file."""

    def __init__(
        self, place: tuple[int, int], journal: Journal, keys: Mapping[int, Ed25519PublicKey]
    ) -> None:
        self._place = place
        self._journal = journal
        self._keys = keys

    @property
    def revision(self) -> int:
        """The newest order taken over."""
        return self._journal.order.revision

    def mode(self, now_ms: int) -> Mode:
        """Returns how the gate shall be at a moment of its own clock."""
        order = self._journal.order
        over = order.until_ms is not None and order.until_ms <= now_ms
        return "normal" if over else order.mode

    def take(self, desired: wire.Desired, payload: bytes) -> bool:
        """Takes an order over; returns whether there is something new to say."""
        if desired.revision <= self.revision or not self._signed("desired", desired.key_id, payload):
            return False
        self._journal.ordered(desired.revision, desired.mode, desired.until_ms)
        return True

    def refusal(self, command: wire.Command, payload: bytes, server_ms: int) -> Refusal | None:
        """Returns why a command must not be obeyed; None = it may be, and never again."""
        if not self._signed("command", command.key_id, payload):
            return "bad_sig"
        if command.number <= self._journal.commanded:
            return "replayed"
        self._journal.obeyed(command.number)
        return "expired" if command.expires_ms <= server_ms else None

    def _signed(self, purpose: Purpose, key_id: int, payload: bytes) -> bool:
        key = self._keys.get(key_id)
        members: dict[str, Any] = msgspec.json.decode(payload)  # Any: members of a message
        return key is not None and is_signed(purpose, *self._place, members, key)
