"""Whose gates a session follows while sites move, so that none is ever followed by nobody."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as some

from domain.sites.operations import Placement
from gate_bridge import ingest
from gate_bridge.shards import Following, following, newly_followed, shards_of

shards = some.integers(0, 2)


@some.composite
def placements(draw: some.DrawFn) -> list[Placement]:
    return [
        Placement(site_id, *draw(some.tuples(shards, shards)))
        for site_id in range(1, draw(some.integers(1, 5)))
    ]


def followed_by(placed: Sequence[Placement], site_id: int) -> set[int]:
    """Return the shards whose sessions hear of a site."""
    return {shard for shard in range(3) if {None, site_id} & set(following(placed, shard).follows)}


def test_a_house_of_one_shard_follows_everybody_with_one_filter_per_leg() -> None:
    placed = [Placement(1, 0, 0), Placement(2, 0, 0)]
    settings = ingest.settings("mqtt://broker", client_id="svc-ingest", following=following(placed, 0))
    assert [name for name, _ in settings.subscriptions] == [f"gh/1/+/+/{leg}" for leg in ingest.LEGS]
    assert "gh/1/2/+/up/evt" in settings.forgotten and "gh/1/+/+/up/evt" not in settings.forgotten
    assert following(placed, 1) == Following((), (None, 1, 2))


def test_with_several_shards_each_follows_its_own_sites() -> None:
    placed = [Placement(1, 0, 0), Placement(2, 1, 1)]
    assert following(placed, 0) == Following((1,), (None, 2))
    assert following(placed, 1) == Following((2,), (None, 1))
    settings = ingest.settings("mqtt://broker", client_id="svc-ingest-1", following=following(placed, 1))
    assert [name for name, _ in settings.subscriptions] == [f"gh/1/2/+/{leg}" for leg in ingest.LEGS]


@given(placements())
def test_a_site_is_followed_by_its_shard_and_by_the_one_it_leaves_until_that_is_noted(
    placed: list[Placement],
) -> None:
    for one in placed:
        assert followed_by(placed, one.site_id) == {one.shard, one.followed}
        assert one.shard in shards_of(placed) and one.followed in shards_of(placed)
        assert (one.site_id in newly_followed(placed, one.shard)) == (one.shard != one.followed)


@given(placements(), shards)
def test_what_a_session_does_not_follow_it_forgets(placed: list[Placement], shard: int) -> None:
    wanted = following(placed, shard)
    assert not set(wanted.follows) & set(wanted.forgets)
    assert {None, *(one.site_id for one in placed)} == set(wanted.follows) | set(wanted.forgets)
