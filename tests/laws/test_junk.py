"""Whatever comes in, an operation answers or refuses; it never fails."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from domain.catalogue import CATALOGUE
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.errors import DomainError, Invalid, Malformed
from domain.kernel.operations import Operation
from tests.served import Served, served_house

EVERY = [pytest.param(operation, id=name) for name, operation in sorted(CATALOGUE.operations.items())]
UNREADABLE = [b"[]", b"{", b"\xff", b'"x"', b"null", b"1", b"[" * 100_000, b'{"a":' * 100_000, b'{"siteId":1']
PEOPLE = ("member", "guard", "desk", "manager")

words = some.sampled_from(
    [
        *(
            "",
            "x",
            "0",
            "null",
            "a" * 5000,
            "\x00",
            "\u202e",
            "' OR 1=1 --",
            "../../etc/passwd",
            "Europe/Moscow",
        ),
        *("ann@example.com", "a password of tests", "GH1:", "member", "admin", "enter", "many", "MTA"),
        *(
            "2024-02-30T00:00:00Z",
            "2024-02-29T12:00:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
        ),
    ]
)
numbers = some.sampled_from(
    [-1, 0, 1, 2, 3, 31, 32, 200, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 1.5]
)
moments = some.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC).isoformat()
)
leaves = some.one_of(some.none(), some.booleans(), words, numbers, moments, some.text(max_size=20))
values = some.recursive(
    leaves,
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(words | some.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def inputs(operation: Operation) -> some.SearchStrategy[dict[str, Any]]:
    """Objects with the operation's fields: most of the right kind, some not, some missing."""
    fields = {f.encode_name: likely(f.type) for f in msgspec.structs.fields(operation.params)}
    return some.fixed_dictionaries(fields) | some.fixed_dictionaries({}, optional=fields)


def likely(kind: Any) -> some.SearchStrategy[Any]:
    """Values that are often of this kind."""
    said = str(kind)
    if "list" in said or "Sequence" in said:
        return some.lists(numbers | words, max_size=3) | values
    if "datetime" in said:
        return moments | moments | values
    if "int" in said:
        return some.integers(1, 3) | numbers | values
    return words | values


def caller_of(operation: Operation) -> Caller:
    """Somebody whom the operation lets in, with every role at one site."""
    if operation.allow <= {"service"}:
        return SERVICE
    return Caller(
        roles=operation.allow,
        user_id=1,
        session_id=1,
        gate_id=1,
        site_roles={1: frozenset(PEOPLE)},
    )


@pytest.fixture(scope="module")
async def served(module_database: str) -> AsyncIterator[Served]:
    """A house with one of each thing, shared by all examples."""
    async with served_house(module_database) as one:
        admin = await one.admin()
        site = (await one.http.post("/sites", json={"name": "Here"}, headers=admin)).json()
        zone = {"siteId": site["siteId"], "name": "Hall", "capacity": 1}
        await one.http.post("/zones", json=zone, headers=admin)
        await one.http.post("/gates", json={"siteId": 1, "name": "Door", "toZoneId": 1}, headers=admin)
        yield one


@pytest.mark.parametrize("operation", EVERY)
async def test_what_cannot_be_read_is_refused(served: Served, operation: Operation):
    for content in UNREADABLE:
        with pytest.raises(Malformed):
            await served.process.runtime.call(caller_of(operation), operation.name, content)
    with pytest.raises(Invalid) as refused:
        await served.process.runtime.call(caller_of(operation), operation.name, b'{"noSuchField":1}')
    assert "noSuchField" in [error.field for error in refused.value.errors]


@pytest.mark.parametrize("operation", EVERY)
@settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "40")),
    derandomize="LAW_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=some.data())
async def test_junk_is_answered_or_refused_and_never_fails(served: Served, operation: Operation, data: Any):
    content = data.draw(inputs(operation))
    try:
        await served.process.runtime.call(caller_of(operation), operation.name, content)
    except DomainError as refusal:
        assert refusal.status in range(400, 500) or refusal.status == 503
