"""Reads what came from outside into an operation's parameters, naming every bad field at once.

Keys are accepted in camelCase and snake_case and by the aliases an operation declares; unknown keys are refused.
"""

import re
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from domain.kernel.complaints import in_words
from domain.kernel.errors import FieldProblem, Invalid, Malformed

LARGEST: Final = 2**63 - 1
YEARS: Final = range(1900, 3000)
COLLECTIONS: Final = (list, tuple, set, frozenset, Sequence)


def camel(name: str) -> str:
    """Return ``guest_name`` as ``guestName``."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def read(
    payload: bytes | Mapping[str, Any],
    shape: type[msgspec.Struct],
    aliases: Mapping[str, str],
    *,
    textual: bool = False,
) -> msgspec.Struct:
    """Decode ``payload`` into ``shape``; where it is ``textual``, as in a query, "3" is read as a number too.

    Raises:
        Malformed: It is no JSON object.
        Invalid: Fields are missing, unknown or of a wrong kind; all of them are named.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    problems: list[FieldProblem] = []
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in members(payload).items():
        name = _canonical(key, fields, aliases)
        if name is None:
            problems.append(FieldProblem(key, "there is no such field"))
        elif name in values:
            problems.append(FieldProblem(name, "given twice, under two spellings"))
        else:
            values[name] = value
            # Who used an alias is answered by that word.
            spelled[name] = name if camel(key) == name else key
    arguments: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            try:
                value = msgspec.convert(_renamed(values[name], field.type), field.type, strict=not textual)
                arguments[field.name] = _storable(value)
            except msgspec.ValidationError as error:
                problems.append(_problem(spelled[name], field.type, str(error)))
        elif field.required:
            problems.append(FieldProblem(name, "is required"))
    if problems:
        raise Invalid("; ".join(f"{p.field}: {p.problem}" for p in problems), errors=problems)
    return shape(**arguments)


def members(payload: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the members of a JSON object, an empty payload having none.

    Raises:
        Malformed: It is no JSON object.
    """
    if isinstance(payload, Mapping):
        return payload
    try:
        found = msgspec.json.decode(payload or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Malformed("The body must be a JSON object")
    return found


def _canonical(key: str, names: Mapping[str, Any], aliases: Mapping[str, str]) -> str | None:
    for spelling in (key, camel(key), aliases.get(key), aliases.get(camel(key))):
        if spelling in names:
            return spelling
    return None


def _renamed(value: Any, kind: Any) -> Any:
    """Bring the keys of nested objects into the spelling of their Structs, and leave free-form objects alone."""
    shape = _struct_in(kind)
    if isinstance(value, list):
        inner = _member_of(kind)
        return [_renamed(member, inner) for member in value]
    if not (isinstance(value, dict) and shape):
        return value
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
    return {
        name: _renamed(member, fields.get(name, Any))
        for name, member in ((key if key in fields else camel(key), member) for key, member in value.items())
    }


def _storable(value: Any) -> Any:
    """Return ``value`` if the database can hold it: no NUL in texts, 64-bit integers, years people mean."""
    match value:
        case str() if "\0" in value:
            raise msgspec.ValidationError("Holds a NUL character")
        case int() if not -LARGEST <= value <= LARGEST:
            raise msgspec.ValidationError("Is larger than 64 bits hold")
        case datetime() if value.year not in YEARS:
            raise msgspec.ValidationError(f"Lies outside the years {YEARS.start} to {YEARS.stop - 1}")
        case dict():
            for pair in value.items():
                _storable(pair)
        case list() | tuple() | set() | frozenset():
            for member in value:
                _storable(member)
        case msgspec.Struct():
            for name in value.__struct_fields__:
                _storable(getattr(value, name))
    return value


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _options(kind: Any) -> Sequence[Any]:
    kind = _bare(kind)
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return [_bare(option) for option in options]


def _member_of(kind: Any) -> Any:
    lists = (option for option in _options(kind) if get_origin(option) in COLLECTIONS)
    return next((get_args(option)[0] for option in lists), Any)


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    shapes = (o for o in _options(kind) if isinstance(o, type) and issubclass(o, msgspec.Struct))
    return next(shapes, None)


def _within(kind: Any, place: str) -> Any:
    """Return the type of what stands at ``[0].action`` in a value of this type."""
    for name in re.findall(r"\.(\w+)|\[", place):
        shape = _struct_in(kind)
        named = {field.encode_name: field.type for field in msgspec.structs.fields(shape)} if shape else {}
        kind = named.get(name, Any) if name else _member_of(kind)
    return kind


def _choices(kind: Any) -> list[Any]:
    literals = (option for option in _options(kind) if get_origin(option) is Literal)
    return [value for literal in literals for value in get_args(literal)]


def _problem(name: str, kind: Any, message: str) -> FieldProblem:
    """Turn msgspec's ``Expected `int`, got `str` - at `$.lines[0]``` into a field path and words."""
    words, _, place = message.partition(" - at `$")
    place = place.rstrip("`")
    return FieldProblem(name + place, in_words(words, _choices(_within(kind, place))))
