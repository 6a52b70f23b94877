"""Brings path, query and body of a request together into the parameters of an operation."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from domain.kernel import params
from domain.kernel.errors import Invalid
from domain.kernel.operations import Operation


def gather(
    operation: Operation, ids: Mapping[str, int], query: QueryParams, body: bytes
) -> bytes | msgspec.Struct:
    """Return what the operation is called with; the body alone stays as it came.

    Raises:
        DomainError: The parts cannot be read, or contradict each other.
    """
    if not (ids or query):
        return body
    members = dict(params.members(body))
    for name, value in {**_texts(query), **ids}.items():
        _agree(members, name, value)
        members[params.camel(name)] = value
    return params.read(members, operation.params, operation.aliases, textual=bool(query))


def _texts(query: QueryParams) -> dict[str, Any]:
    return {name: values if len(values := query.getlist(name)) > 1 else values[0] for name in query}


def _agree(members: dict[str, Any], name: str, value: Any) -> None:
    """Take another spelling of ``name`` out of the members, unless it says something else."""
    for spelling in {name, params.camel(name)} & members.keys():
        given = members.pop(spelling)
        if str(given) != str(value):
            raise Invalid.field(params.camel(name), f"is {value} in the address and {given} in the body")
