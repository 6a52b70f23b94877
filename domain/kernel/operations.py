"""Declares an operation once, for every transport.

The signature is the schema. What stands before ``*`` is given by the server, what stands after it comes from the
wire::

    @operation("access.revoke_guest_pass", allow={"member", "guard"})
    async def revoke_guest_pass(ctx: Context, *, guest_pass_id: int, reason: str = "") -> GuestPassView:
        '''Make a pass open nothing from this moment.'''
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar, get_type_hints

import msgspec

from domain.kernel.caller import Role

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A function of the domain together with the shape of its arguments and who may call it.

    ``reads`` operations change nothing: no transaction, no idempotency row, cacheable. Those that are not
    ``atomic`` run each statement on its own, by ``ctx.row``, and emit no facts: for the few that must answer in a
    millisecond and guard themselves. ``prepare(before, given)`` runs before any connection is held and may replace
    arguments.
    ``reveal(ctx, answer)`` adds secret members to an answer, on the first call and on each replay, so that no secret
    is ever stored. ``recorded`` operations write down what has already happened outside: their reactions may fail
    without refusing the facts.
    """

    name: str
    summary: str
    allow: frozenset[Role]
    handler: Handler
    params: type[msgspec.Struct]
    result: Any
    reads: bool = False
    atomic: bool = True
    replays: bool = True
    recorded: bool = False
    prepare: Handler | None = None
    reveal: Handler | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


def describe(name: str, handler: Handler, allow: Collection[Role], **traits: Any) -> Operation:
    """Read an operation off the signature and docstring of ``handler``."""
    if not handler.__doc__:
        raise TypeError(f"{name}: an operation says in its docstring what it is for")
    hints = get_type_hints(handler, include_extras=True)
    fields: list[Any] = [
        (p.name, hints[p.name]) if p.default is p.empty else (p.name, hints[p.name], p.default)
        for p in inspect.signature(handler).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    title = "".join(word.capitalize() for word in name.replace(".", "_").split("_")) + "Input"
    params = msgspec.defstruct(title, fields, kw_only=True, frozen=True, rename="camel")
    return Operation(
        name=name,
        summary=inspect.getdoc(handler) or "",
        allow=frozenset(allow),
        handler=handler,
        params=params,
        result=hints["return"],
        **traits,
    )


def operation(name: str, *, allow: Collection[Role], **traits: Any) -> Callable[[H], H]:
    """Mark a function as callable from outside; the function itself stays plain."""

    def declare(handler: H) -> H:
        handler.__operation__ = describe(name, handler, allow, **traits)  # type: ignore[attr-defined]  # the mark is how contexts.load finds it
        return handler

    return declare


def collect_operations(modules: Iterable[ModuleType]) -> Mapping[str, Operation]:
    """Gather the operations of the given modules, refusing two of one name."""
    found: dict[str, Operation] = {}
    for module in modules:
        for thing in vars(module).values():
            declared = getattr(thing, "__operation__", None)
            if declared is None or thing.__module__ != module.__name__:
                continue
            if declared.name in found:
                raise ValueError(f"operation {declared.name!r} is declared twice")
            found[declared.name] = declared
    return found
