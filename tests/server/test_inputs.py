"""Path, query and body come together."""

from types import ModuleType

import pytest
from starlette.datastructures import QueryParams

from domain.kernel.context import Context
from domain.kernel.errors import Invalid, Malformed
from domain.kernel.operations import Operation, collect_operations, operation
from server.inputs import gather


@operation("here.turn", allow={"member"}, aliases={"start": "startsAt"})
async def turn(ctx: Context, *, part_id: int, starts_at: str = "", by: float = 0, fast: bool = False) -> None:
    """Turn a part."""


def _operation() -> Operation:
    here = ModuleType(__name__)
    here.__dict__.update(globals())
    return collect_operations([here])["here.turn"]


TURN = _operation()


def test_a_body_alone_stays_as_it_came():
    assert gather(TURN, {}, QueryParams(), b"junk") == b"junk"


def test_all_three_become_the_parameters():
    given = gather(TURN, {"part_id": 5}, QueryParams("by=1.5&fast=true"), b'{"start": "noon"}')
    assert given == TURN.params(part_id=5, starts_at="noon", by=1.5, fast=True)


@pytest.mark.parametrize("name", ["part_id", "partId"])
def test_the_same_id_may_stand_in_both(name: str):
    body = b'{"%s": 5}' % name.encode()
    assert gather(TURN, {"part_id": 5}, QueryParams(), body) == TURN.params(part_id=5)
    with pytest.raises(Invalid, match="6 in the address and 5 in the body"):
        gather(TURN, {"part_id": 6}, QueryParams(), body)


def test_texts_are_numbers_only_in_a_query():
    with pytest.raises(Invalid, match="by"):
        gather(TURN, {"part_id": 5}, QueryParams(), b'{"by": "1.5"}')


def test_what_is_no_object_is_refused():
    with pytest.raises(Malformed):
        gather(TURN, {"part_id": 5}, QueryParams(), b"[]")
