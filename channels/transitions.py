"""The life of a connection as a table: what may happen in which state, and where it leads.

        ┌─────┐ CONNECT  ┌────────────┐ ACCEPTED ┌──────┐
        │ NEW ├─────────►│ CONNECTING ├─────────►│ OPEN │◄─┐ COMMAND
        └──┬──┘          └─────┬──────┘          └──┬───┘──┘
           │ CLOSE             │ REFUSED            │ CLOSE
           │              ┌────▼────┐  CLOSE   ┌────▼───┐
           │              │ REFUSED ├─────────►│ CLOSED │
           │              └─────────┘          └────▲───┘
           └────────────────────────────────────────┘

What is not in the table breaks the protocol, and closes with 3501.
"""

from enum import IntEnum, auto
from typing import Final


class State(IntEnum):
    """Where a connection is."""

    NEW = auto()
    CONNECTING = auto()
    OPEN = auto()
    REFUSED = auto()
    """The connect command was refused: what follows in the frame is dropped, the client closes."""
    CLOSED = auto()


class Event(IntEnum):
    """What can happen to a connection."""

    CONNECT = auto()
    COMMAND = auto()
    ACCEPTED = auto()
    REFUSED = auto()
    CLOSE = auto()


TRANSITIONS: Final = {
    (State.NEW, Event.CONNECT): State.CONNECTING,
    (State.NEW, Event.CLOSE): State.CLOSED,
    (State.CONNECTING, Event.ACCEPTED): State.OPEN,
    (State.CONNECTING, Event.REFUSED): State.REFUSED,
    (State.CONNECTING, Event.CLOSE): State.CLOSED,
    (State.OPEN, Event.COMMAND): State.OPEN,
    (State.OPEN, Event.CLOSE): State.CLOSED,
    (State.REFUSED, Event.CONNECT): State.REFUSED,
    (State.REFUSED, Event.COMMAND): State.REFUSED,
    (State.REFUSED, Event.CLOSE): State.CLOSED,
    (State.CLOSED, Event.CONNECT): State.CLOSED,
    (State.CLOSED, Event.COMMAND): State.CLOSED,
    (State.CLOSED, Event.ACCEPTED): State.CLOSED,
    (State.CLOSED, Event.REFUSED): State.CLOSED,
    (State.CLOSED, Event.CLOSE): State.CLOSED,
}


def after(state: State, event: Event) -> State | None:
    """Return the next state, or None where the event breaks the protocol."""
    return TRANSITIONS.get((state, event))
