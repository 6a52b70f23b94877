"""The kinds of alarms that the product raises, read off its sources."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from domain.access.operations.gate_conditions import Kind
from tests.architecture.sources import modules, tree

UNNAMED = "unnamed"
"""What an alarm is called whose gate does not say which it is."""
PASSED_ON = {
    "domain/access/operations/conditions.py",
    "domain/access/operations/gate_conditions.py",
    "domain/access/operations/recording.py",
}
"""Modules that raise what another module or a gate has named."""


def raised_kinds() -> set[str]:
    """Return what gates sense, and what the server finds; fails on a kind that cannot be read."""
    return {*get_args(Kind), UNNAMED, *(kind for path in modules("domain/access") for kind in _named(path))}


def _named(path: Path) -> Iterator[str]:
    module = tree(path)
    known = _constants(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "raise_alarm":
            kind = _text(node.args[1], known)
            assert kind is not None or str(path) in PASSED_ON, f"{path}:{node.lineno} raises an unread kind"
            if kind is not None:
                yield kind
    if _settles(module):
        yield from _conditions(path, module, known)


def _conditions(path: Path, module: ast.Module, known: dict[str, str]) -> Iterator[str]:
    """A condition is the site, the gate and the kind; what is found is kept by condition."""
    found = [
        node.elts[2] for node in _literals(module) if isinstance(node, ast.Tuple) and len(node.elts) == 3
    ]
    assert found, f"{path} settles conditions that are not read"
    for node in found:
        kind = _text(node, known)
        assert kind is not None, f"{path}:{node.lineno} settles an unread kind"
        yield kind


def _literals(module: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "found":
            yield node.slice
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "condition":
            yield node.value


def _settles(module: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "domain.access.operations.conditions"
        and any(alias.name == "settle" for alias in node.names)
        for node in ast.walk(module)
    )


def _constants(module: ast.Module) -> dict[str, str]:
    return {
        node.targets[0].id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _text(node: ast.expr, known: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
