"""Every way in which each member of each report may be wrong, made from the reports themselves.

A new member of a message is covered by itself: what it may be is read off its type, and what it may not be follows.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from gate_bridge import wire
from gate_bridge.wire.asyncapi import MESSAGES

GOOD: dict[str, list[Any]] = json.loads((Path(wire.__file__).parent / "examples.json").read_text())
NEVER_HEARD = "never heard of"
ABSENT = object()
Bad = tuple[str, Any]


class Case(NamedTuple):
    """One message that is wrong in one place."""

    leg: str
    field: str
    """Where it is wrong, as the reason in the quarantine must say."""
    wrong: str
    said: Any

    @property
    def name(self) -> str:
        return f"{self.leg} {self.field} {self.wrong}"


def cases() -> Iterator[Case]:
    """Yield each wrong message of each leg that gates speak on."""
    for leg, forms in MESSAGES.items():
        if leg.startswith("up/"):
            for form in forms:
                yield from _of_form(leg, form)


def _of_form(leg: str, form: Any) -> Iterator[Case]:
    info, good = inspect.type_info(form), _example(leg, form)
    if not isinstance(info, inspect.StructType):
        yield from (Case(leg, "", wrong, value) for wrong, value in _bad(info, good))
    for nested, within in _structs(info, good):
        for path, wrong, value in _of_struct(nested, within[-1]):
            whole = (*within[:-1], *path)
            yield Case(leg, ".".join(whole).replace(".[", "["), wrong, _changed(good, whole, value))


def _example(leg: str, form: Any) -> Any:
    info = inspect.type_info(form)
    tag = info.tag if isinstance(info, inspect.StructType) else None
    return next(good for good in GOOD[leg] if tag is None or good["s"] == tag)


def _of_struct(info: inspect.StructType, good: Any) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for field in info.fields:
        name, value = field.encode_name, good.get(field.encode_name)
        if field.required:
            yield (name,), "missing", ABSENT
            yield (name,), "null", None
        for wrong, bad in _bad(field.type, value):
            yield (name,), wrong, bad
        for nested, within in _structs(field.type, value):
            for path, wrong, bad in _of_struct(nested, within[-1]):
                yield (name, *within[:-1], *path), wrong, bad


def _structs(kind: inspect.Type, good: Any) -> Iterator[tuple[inspect.StructType, tuple[Any, ...]]]:
    """Yield the messages within a member, each with the way to a good one."""
    match kind:
        case inspect.StructType():
            yield kind, (good or {},)
        case inspect.UnionType():
            for one in kind.types:
                yield from _structs(one, good)
        case inspect.ListType() | inspect.VarTupleType() if good:
            for one, within in _structs(kind.item_type, good[0]):
                yield one, ("[0]", *within)


def _bad(kind: inspect.Type, good: Any) -> Iterator[Bad]:
    """Yield values that a member of this type cannot have, each with what is wrong."""
    match kind:
        case inspect.IntType():
            yield from [("no number", "one"), ("a fraction", 1.5), ("true", True)]
            yield from [] if kind.ge is None else [("too low", kind.ge - 1)]
            yield from [] if kind.le is None else [("too high", kind.le + 1)]
        case inspect.FloatType():
            yield from [("no number", "warm"), ("a list", [1])]
        case inspect.BoolType():
            yield from [("no truth", "yes"), ("a number", 1)]
        case inspect.StrType():
            yield "no text", 5
            yield from [] if kind.pattern is None else [("of other letters", "\0")]
            yield from [] if kind.max_length is None else [("too long", "x" * (kind.max_length + 1))]
        case inspect.LiteralType():
            yield from [("no choice", NEVER_HEARD), ("a list", [])]
        case inspect.UnionType():
            yield from _bad_of_union(kind, good)
        case inspect.ListType() | inspect.VarTupleType():
            yield "no list", 5
            yield from (
                [] if kind.max_length is None else [("too many", [_one_of(kind)] * (kind.max_length + 1))]
            )
            yield from [] if not kind.min_length else [("too few", [])]
            if not isinstance(kind.item_type, inspect.StructType):
                yield from ((f"{wrong} in it", [bad]) for wrong, bad in _bad(kind.item_type, None))
        case inspect.DictType():
            yield from _bad_of_dict(kind)
        case inspect.StructType():
            yield from [("no object", 5), ("a list", [])]
        case _:
            raise AssertionError(f"say what a {kind} cannot be")


def _bad_of_union(kind: inspect.UnionType, good: Any) -> Iterator[Bad]:
    known = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    if len(known) == 1:
        yield from _bad(known[0], good)
        return
    yield "a list", [[]]
    for one in known:
        yield from ((wrong, bad) for wrong, bad in _bad(one, good) if wrong.startswith("too "))


def _bad_of_dict(kind: inspect.DictType) -> Iterator[Bad]:
    yield "no object", 5
    yield from ((f"a name {wrong}", {bad: 1}) for wrong, bad in _bad(kind.key_type, None) if bad != 5)
    yield from ((f"a value {wrong}", {"a": bad}) for wrong, bad in _bad(kind.value_type, None))
    if kind.max_length is not None:
        yield "too many", {f"a{number}": number for number in range(kind.max_length + 1)}


def _one_of(kind: inspect.ListType | inspect.VarTupleType) -> Any:
    """Return something short that may stand in a list, as far as its length is looked at first."""
    return {} if isinstance(kind.item_type, inspect.StructType) else "in"


def _changed(good: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a copy of a good message with one member of another value, or without it."""
    changed = copy.deepcopy(good)
    place = changed
    for word in path[:-1]:
        place = place[int(word[1:-1])] if word.startswith("[") else place.setdefault(word, {})
    if value is ABSENT:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return changed


def encoded(case: Case) -> bytes:
    """Return the payload of a case."""
    return msgspec.json.encode(case.said)


def kept(case: Case) -> bytes:
    """Return what the quarantine keeps of a case: of a batch the event that is wrong, else the whole message."""
    return msgspec.json.encode(case.said["ev"][0]) if case.field.startswith("ev[0].") else encoded(case)
