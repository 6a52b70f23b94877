"""Reactions never run in a circle: no fact leads, by whatever reactions, to itself."""

from collections.abc import Iterator
from graphlib import TopologicalSorter
from types import CodeType, FunctionType, ModuleType
from typing import Any

from domain.catalogue import CATALOGUE
from domain.kernel.events import Event


def test_no_fact_leads_to_itself():
    causes: dict[type[Event], set[type[Event]]] = {
        fact: {made for react in reactions for made in _made_by(react)}
        for fact, reactions in CATALOGUE.reactions.items()
    }
    TopologicalSorter(causes).prepare()


def test_reactions_answer_facts_of_the_catalogue():
    assert set(CATALOGUE.reactions) <= set(CATALOGUE.events.values())


def test_the_facts_that_a_function_makes_are_found_in_what_it_calls():
    assert set(_made_by(_outer)) == {_Made}


class _Made(Event, frozen=True):
    """A fact."""


def _outer() -> None:
    [_inner() for _ in "x"]


def _inner() -> Event:
    return _Made()


def _made_by(function: Any) -> set[type[Event]]:
    """Return the facts that a function of ours, or one it calls, may make: those it names."""
    made: set[type[Event]] = set()
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, Event) and one is not Event:
            made.add(one)
        elif isinstance(one, FunctionType) and id(one) not in seen and _ours(one):
            seen.add(id(one))
            waiting += _named(one)
    return made


def _ours(function: FunctionType) -> bool:
    return function.__module__.split(".")[0] in ("domain", __name__.split(".")[0])


def _named(function: FunctionType) -> Iterator[Any]:
    """Yield what the function's code names, also by way of a module."""
    names = set(_names(function.__code__))
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from found
    for module in found:
        if isinstance(module, ModuleType) and module.__name__.startswith("domain."):
            yield from (getattr(module, name) for name in names if hasattr(module, name))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
