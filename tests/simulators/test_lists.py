"""A gate takes over what the server signed of its list, notices what it misses, and keeps it over a power cut.

Proves: simulators/lists.py, simulators/shelf.py
"""

import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules.listing import Listed, ListFlag
from gate_bridge import wire
from simulators import lists as gate_lists
from simulators.lists import Lists
from simulators.shelf import Shelf
from tests.simulators.a_list import SITE, chunk, delta, head, line, topic
from tests.simulators.test_turnstile import KEYS

ONE, TWO = line(1), line(2)
REVOKED = line(1, flags=int(ListFlag.REVOKED))


def opened(path: str | Path = ":memory:") -> Lists:
    return Lists(SITE, Shelf(sqlite3.connect(path, isolation_level=None)), KEYS)


def hear(mine: Lists, leg: wire.Leg, members: dict[str, Any]) -> bool:
    payload = msgspec.json.encode(members)
    message: Any = wire.parse(topic(leg), payload).message
    return mine.take(message, payload)


def with_a_list(revision: int = 5) -> Lists:
    mine = opened()
    hear(mine, "dn/al/head", head(revision, [ONE, TWO]))
    hear(mine, "dn/al/chunk", chunk(revision, [ONE, TWO]))
    return mine


def test_a_gate_without_a_list_asks_for_the_whole_and_has_it_when_all_parts_are_there():
    mine = opened()

    assert not hear(mine, "dn/al/head", head(5, [ONE, TWO]))
    assert mine.due(0) == wire.ListGet(since=0)
    assert mine.due(1) is None
    assert not hear(mine, "dn/al/chunk", chunk(5, [ONE], i=1, of=2))
    assert mine.revision == 0
    assert hear(mine, "dn/al/chunk", chunk(5, [TWO], i=2, of=2))
    assert (mine.revision, mine.known.lines) == (5, {1: ONE, 2: TWO})
    assert mine.due(2) is None


def test_an_empty_list_need_not_be_asked_for():
    mine = opened()

    assert hear(mine, "dn/al/head", head(5, []))
    assert (mine.revision, mine.due(0)) == (5, None)


def test_a_change_counts_at_once_and_is_confirmed_with_the_head():
    mine = with_a_list()

    assert not hear(mine, "dn/al/delta", delta(5, 6, [REVOKED]))
    assert mine.known.lines[1] == REVOKED
    assert hear(mine, "dn/al/head", head(6, [REVOKED, TWO]))
    assert not hear(mine, "dn/al/head", head(6, [REVOKED, TWO]))
    assert mine.revision == 6


def test_a_pass_that_is_gone_is_gone():
    mine = with_a_list()

    hear(mine, "dn/al/delta", delta(5, 6, [], (1, 99)))

    assert hear(mine, "dn/al/head", head(6, [TWO]))
    assert mine.known.lines == {2: TWO}


def test_a_gap_is_asked_for_from_the_lines_that_are_there_again_and_again():
    mine = with_a_list()
    hear(mine, "dn/al/delta", delta(6, 7, [REVOKED]))
    hear(mine, "dn/al/head", head(7, [REVOKED]))

    assert mine.known.lines == {1: ONE, 2: TWO}
    assert mine.due(0) == wire.ListGet(since=5)
    hear(mine, "dn/al/head", head(8, [REVOKED]))
    assert mine.due(gate_lists.PATIENCE_S - 0.1) is None
    assert mine.due(2 * gate_lists.PATIENCE_S + 0.1) == wire.ListGet(since=5)
    assert hear(mine, "dn/al/chunk", chunk(8, [REVOKED], since=5, gone=(2,)))
    assert mine.due(1000) is None


def test_what_came_while_the_parts_came_is_asked_for_at_once():
    mine = opened()
    hear(mine, "dn/al/head", head(5, [ONE, TWO]))
    assert mine.due(0) is not None
    hear(mine, "dn/al/head", head(6, [REVOKED, TWO]))

    assert not hear(mine, "dn/al/chunk", chunk(5, [ONE, TWO]))

    assert mine.due(0.1) == wire.ListGet(since=5)
    assert hear(mine, "dn/al/chunk", chunk(6, [REVOKED], since=5))


def test_lines_that_do_not_come_to_the_digest_are_fetched_as_a_whole():
    mine = with_a_list()
    hear(mine, "dn/al/delta", delta(5, 6, [REVOKED]))

    assert not hear(mine, "dn/al/head", head(6, [ONE]))
    assert (mine.revision, mine.due(0)) == (0, wire.ListGet(since=0))
    assert hear(mine, "dn/al/chunk", chunk(6, [ONE]))
    assert (mine.revision, mine.known.lines) == (6, {1: ONE})


@pytest.mark.parametrize(
    ("leg", "make"),
    [
        ("dn/al/head", lambda: head(6, [])),
        ("dn/al/delta", lambda: delta(5, 6, [REVOKED])),
        ("dn/al/chunk", lambda: chunk(6, [REVOKED, TWO])),
    ],
)
def test_what_the_server_did_not_sign_changes_nothing(leg: wire.Leg, make: Callable[[], dict[str, Any]]):
    mine, told = with_a_list(), make()
    revision = "to" if "to" in told else "rev"

    hear(mine, leg, told | {revision: 7})
    hear(mine, leg, told | {"k": 200})

    assert (mine.revision, mine.known.lines) == (5, {1: ONE, 2: TWO})


def test_a_change_signed_as_an_answer_is_no_change():
    mine, told = with_a_list(), delta(5, 6, [REVOKED])
    answer = {"rev": 6, "from": 5, "i": 1, "of": 1, "put": told["put"], "k": told["k"], "sig": told["sig"]}

    hear(mine, "dn/al/chunk", answer)

    assert mine.known.lines[1] == ONE


def test_an_old_list_that_is_played_back_is_not_taken():
    mine = with_a_list()
    hear(mine, "dn/al/delta", delta(5, 6, [REVOKED]))
    hear(mine, "dn/al/head", head(6, [REVOKED, TWO]))

    for leg, told in (
        ("dn/al/head", head(5, [ONE, TWO])),
        ("dn/al/chunk", chunk(5, [ONE, TWO])),
        ("dn/al/delta", delta(4, 5, [ONE])),
        ("dn/al/chunk", chunk(6, [ONE, TWO])),
    ):
        hear(mine, leg, told)  # type: ignore[arg-type]  # legs

    assert (mine.revision, mine.known.lines[1]) == (6, REVOKED)


def test_parts_out_of_order_or_of_two_answers_are_no_answer():
    mine = opened()
    hear(mine, "dn/al/head", head(5, [ONE, TWO]))

    hear(mine, "dn/al/chunk", chunk(5, [TWO], i=2, of=2))
    hear(mine, "dn/al/chunk", chunk(5, [ONE], i=1, of=2))
    hear(mine, "dn/al/chunk", chunk(6, [TWO], i=2, of=2))
    assert mine.known.lines == {}
    assert hear(mine, "dn/al/chunk", chunk(5, [TWO], i=2, of=2))


def test_a_gate_that_starts_without_a_link_has_its_list(tmp_path: Path):
    mine = opened(tmp_path / "journal")
    hear(mine, "dn/al/head", head(5, [ONE, TWO]))
    hear(mine, "dn/al/chunk", chunk(5, [ONE, TWO]))
    hear(mine, "dn/al/delta", delta(5, 6, [REVOKED], (2,)))
    hear(mine, "dn/al/head", head(6, [REVOKED]))

    again = opened(tmp_path / "journal")

    assert (again.revision, again.known.lines) == (6, {1: REVOKED})
    assert again.known.good_until_ms == mine.known.good_until_ms > 0
    assert not hear(again, "dn/al/head", head(5, [ONE, TWO]))


def test_a_list_is_good_for_as_long_as_the_head_that_its_lines_came_to():
    mine = with_a_list()
    until = mine.known.good_until_ms

    hear(mine, "dn/al/head", head(7, [REVOKED], lasts_s=10 * 86_400))
    assert mine.known.good_until_ms == until
    hear(mine, "dn/al/chunk", chunk(7, [REVOKED], since=5, gone=(2,)))
    assert mine.known.good_until_ms > until


def test_the_keys_of_passes_come_with_the_list():
    mine = opened()

    hear(mine, "dn/al/head", head(5, [], pks={"9": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}))

    assert set(mine.keys) == {*KEYS, 9}


States = st.lists(st.dictionaries(st.integers(1, 6), st.integers(0, 3), max_size=6), min_size=2, max_size=8)


@given(States, st.data())
def test_whatever_is_lost_doubled_or_late_a_gate_ends_with_the_list_as_it_is(
    states: list[dict[int, int]], data: st.DataObject
):
    """Changes from any revision to any later one may come in any order: none makes a line older than it is."""
    history = [
        (number, {p: line(p, flags=flags) for p, flags in state.items()})
        for number, state in enumerate(states, start=1)
    ]
    mine = opened()
    hear(mine, "dn/al/head", head(1, list(history[0][1].values())))
    hear(mine, "dn/al/chunk", chunk(1, list(history[0][1].values())))
    told = data.draw(
        st.lists(st.tuples(st.integers(0, len(states) - 1), st.integers(0, len(states) - 1)), max_size=8)
    )
    for before, after in told:
        if before < after:
            hear(mine, "dn/al/delta", changed(history, before, after))

    newest, now = history[-1]
    hear(mine, "dn/al/head", head(newest, list(now.values())))
    if (missing := mine.due(0)) is not None:
        assert missing.since > 0
        hear(mine, "dn/al/chunk", since(history, missing.since))

    assert (mine.revision, mine.known.lines) == (newest, now)


def changed(history: list[tuple[int, dict[int, Listed]]], before: int, after: int) -> dict[str, Any]:
    (first, old), (last, new) = history[before], history[after]
    put, gone = difference(history, first, last, old, new)
    return delta(first, last, put, gone)


def since(history: list[tuple[int, dict[int, Listed]]], revision: int) -> dict[str, Any]:
    last, new = history[-1]
    put, gone = difference(history, revision, last, dict(history)[revision], new)
    return chunk(last, put, since=revision, gone=gone)


def difference(
    history: list[tuple[int, dict[int, Listed]]],
    first: int,
    last: int,
    old: dict[int, Listed],
    new: dict[int, Listed],
) -> tuple[list[Listed], tuple[int, ...]]:
    """What the server tells: every pass that changed after the first revision, as it is at the last."""
    steps = [state for number, state in history if first <= number <= last]
    touched = {
        pass_id
        for one, next_ in pairwise(steps)
        for pass_id in {*one, *next_}
        if one.get(pass_id) != next_.get(pass_id)
    }
    return [new[one] for one in sorted(touched) if one in new], tuple(sorted(touched - set(new)))
