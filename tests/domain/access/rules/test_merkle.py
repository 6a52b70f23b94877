"""One hash stands for many leaves, and each leaf can be shown to be among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.merkle import Path, leads, path, root

# The inputs and roots that implementations of Certificate Transparency try each other with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

leaves_and_one = some.lists(some.binary(max_size=40), min_size=1, max_size=40, unique=True).flatmap(
    lambda leaves: some.tuples(some.just(leaves), some.integers(0, len(leaves) - 1))
)


@pytest.mark.parametrize("count", range(9))
def test_the_root_is_that_of_certificate_transparency(count: int):
    assert root(LEAVES[:count]).hex() == ROOTS[count]


def test_the_last_of_an_odd_number_is_not_doubled():
    assert root([b"a", b"b", b"c"]) != root([b"a", b"b", b"c", b"c"])


@given(leaves_and_one)
def test_every_leaf_leads_to_the_root_and_to_no_other(chosen: tuple[list[bytes], int]):
    leaves, index = chosen

    way = path(leaves, index)

    assert leads(leaves[index], way, root(leaves))
    assert not leads(leaves[index] + b"x", way, root(leaves))
    assert not leads(leaves[index], way, root([*leaves, b"one more"]))


@given(leaves_and_one, some.data())
def test_a_way_that_was_bent_leads_nowhere(chosen: tuple[list[bytes], int], data: some.DataObject):
    leaves, index = chosen
    way = path(leaves, index)
    bent = data.draw(
        some.sampled_from(
            [
                Path(way.index, way.count, [*way.hashes, bytes(32)]),
                Path(way.index, way.count, way.hashes[1:]) if way.hashes else Path(1, 1, []),
                Path(way.index + way.count, way.count, way.hashes),
                Path(-1, way.count, way.hashes),
            ]
        )
    )

    assert not leads(leaves[index], bent, root(leaves))


def test_there_is_no_way_from_a_leaf_that_is_not_there():
    with pytest.raises(IndexError):
        path([b"a"], 1)
