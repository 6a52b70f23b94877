"""Reaching the payloads of a message, wherever in it they are, for codecs that carry them in a form of their own."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from msgspec import Raw
from msgspec.structs import replace

from channels.protocol.messages import EMPTY, Message

M = TypeVar("M", bound=Message)

Carry = Callable[[Message, Raw], Raw]
"""Takes the message whose payload it is, and the payload; returns it as a codec carries it."""


def carried(message: M, carry: Carry) -> M:
    """Return the message with every payload carried; the same one where none changes, for messages are shared."""
    changes = {}
    for name in _bearing(type(message)):
        value = getattr(message, name)
        if value is None or value is EMPTY:
            continue
        new = _value(message, value, carry)
        if new is not value:
            changes[name] = new
    return replace(message, **changes) if changes else message


def _value(owner: Message, value: Any, carry: Carry) -> Any:  # Any: the value of a field of any kind
    if isinstance(value, Raw):
        return carry(owner, value)
    if isinstance(value, list):
        items = [carried(item, carry) for item in value]
        return value if all(map(_same, items, value)) else items
    if isinstance(value, dict):
        members = {key: carried(item, carry) for key, item in value.items()}
        return value if all(map(_same, members.values(), value.values())) else members
    return carried(value, carry)


def _same(one: object, other: object) -> bool:
    return one is other


@cache
def _bearing(kind: type[Message]) -> tuple[str, ...]:
    """Return the fields of a message in which there may be payloads."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if _bears(hints[name], kind))


def _bears(hint: Any, within: type[Message]) -> bool:  # Any: a type as it is annotated
    if hint is Raw:
        return True
    if isinstance(hint, type) and issubclass(hint, Message):
        # A tree of messages of one kind bears payloads if its other fields do.
        return hint is not within and bool(_bearing(hint))
    return any(_bears(part, within) for part in get_args(hint))
