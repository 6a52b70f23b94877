"""Messages of any content, made from what the Structs declare."""

import json
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Meta, Raw
from msgspec.structs import fields

from channels.protocol.messages import EMPTY, Command, Message, Reply

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PAYLOADS = st.just(EMPTY) | JSON.map(lambda value: Raw(json.dumps(value, ensure_ascii=False).encode()))
BYTES = st.binary(max_size=20).map(lambda data: Raw(data) if data else EMPTY)
WIDE = {"offset", "time"}  # 64 bits in the schema, others have 32


def commands(payloads: st.SearchStrategy[Raw] = PAYLOADS) -> st.SearchStrategy[Command]:
    """Commands with any of their requests."""
    return messages(Command, payloads)


def replies(payloads: st.SearchStrategy[Raw] = PAYLOADS) -> st.SearchStrategy[Reply]:
    """Replies and pushes of any kind."""
    return messages(Reply, payloads)


def messages(kind: type[Any], payloads: st.SearchStrategy[Raw]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    required = {field.name for field in fields(kind) if field.required}
    values = {name: _values(name, hint, payloads, kind) for name, hint in hints.items()}
    return st.fixed_dictionaries(
        {name: values[name] for name in required},
        optional={name: value for name, value in values.items() if name not in required},
    ).map(lambda members: kind(**members))


def _values(name: str, hint: Any, payloads: st.SearchStrategy[Raw], within: type) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta = next(part for part in arguments if isinstance(part, Meta))
        return st.integers(meta.ge, meta.le)  # type: ignore[arg-type]  # our limits are whole numbers
    if origin in (Union, UnionType):
        (inner,) = (part for part in arguments if part is not NoneType)
        return st.none() | _values(name, inner, payloads, within)
    if origin is list:
        return st.lists(_values(name, arguments[0], payloads, within), max_size=2)
    if origin is dict:
        members = _values(name, arguments[1], payloads, within)
        # An empty table of tags is the same as none, and no codec tells them apart.
        return st.dictionaries(TEXT, members, min_size=1 if name == "tags" else 0, max_size=2)
    if hint is within:
        return st.just(within())
    if isinstance(hint, type) and issubclass(hint, Message):
        return messages(hint, payloads)
    return {
        Raw: payloads,
        str: TEXT,
        bool: st.booleans(),
        int: st.integers(0, 2**63 - 1 if name in WIDE else 2**32 - 1),
    }[hint]
