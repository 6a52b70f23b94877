"""However a log is cut and in whatever order it is read, the same journals come out, and the same findings.

Proves: domain/access/rules/audit.py, domain/access/rules/minutes.py
"""

from datetime import date
from hashlib import sha256

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.audit import Audit
from domain.access.rules.chains import GENESIS, Runs, join, measured
from domain.access.rules.minutes import Minute, key_leaf, row_of
from domain.access.rules.proof import Line

EPOCH = bytes(range(8))
AT_US = 1_772_442_000_000_000


def lines(count: int, gate_id: int = 1) -> list[Line]:
    """A gate's journal as the log has it, one event a second."""
    made, before = [], GENESIS
    for seq in range(1, count + 1):
        said = {"e": EPOCH.hex(), "k": "boot", "s": seq, "src": "online", "t": AT_US // 1000, "tq": "ok"}
        canonical = msgspec.json.encode(said, order="sorted")
        own = sha256(before + canonical).digest()
        moment = AT_US + seq * 1_000_000
        made.append(
            Line(
                gate_id=gate_id, epoch=EPOCH, seq=seq, known_hash=own, known_us=moment, log_id=seq, received_us=moment,
                site_id=1, zone_id=None, historical=False, at_us=AT_US, canonical=canonical, previous_hash=before,
                hash=own, salt=None, grant_id=None, kind="boot", reason=None, direction=None, decision=None, admit=None,
                rid=None, source="online", clock="ok", detail="{}",
            )
        )  # fmt: skip
        before = own
    return made


def gone(line: Line) -> Line:
    """An event that came and is not in the log."""
    return line._replace(log_id=None)


def audited(*parts: list[Line], dropped: frozenset[tuple[int, date]] = frozenset()) -> tuple[Runs, list[str]]:
    runs, found = Runs(), list[str]()
    for part in parts:
        audit = Audit({1: 1}, dropped)
        audit.take(part)
        audit.settle([])
        for journal, some_runs in audit.runs.items():
            runs.setdefault(journal, []).extend(some_runs)
        found += [finding.problem for _, finding in audit.findings]
    return runs, found


@given(some.data(), some.integers(1, 30))
def test_any_cut_and_any_order_gives_the_same_journal(data: some.DataObject, count: int):
    whole = data.draw(some.permutations(lines(count)))
    cuts = sorted(data.draw(some.lists(some.integers(0, count), max_size=4)))
    parts = [whole[since:until] for since, until in zip([0, *cuts], [*cuts, count], strict=True)]

    runs, found = audited(*parts)
    chain, broken = join(EPOCH, runs[1, EPOCH])

    assert (found, broken, list(measured(chain, count, count))) == ([], [], [])
    assert (chain.first, chain.last, chain.events, chain.reached) == (1, count, count, count)


@given(some.data(), some.integers(3, 12))
def test_a_link_that_is_broken_between_two_parts_is_found(data: some.DataObject, count: int):
    whole = lines(count)
    place = data.draw(some.integers(1, count - 1))
    forged = whole[place]._replace(
        previous_hash=bytes(32), hash=sha256(bytes(32) + whole[place].canonical).digest()
    )

    runs, _ = audited(whole[:place], [forged._replace(known_hash=forged.hash)], whole[place + 1 :])
    _, broken = join(EPOCH, runs[1, EPOCH])

    assert "does not continue the event before it" in [finding.problem for finding in broken]


def test_a_hole_is_no_finding_until_the_watermark_says_that_it_was_filled():
    whole = lines(5)
    runs, _ = audited([*whole[:2], *whole[3:]])

    chain, broken = join(EPOCH, runs[1, EPOCH])

    assert (broken, chain.reached) == ([], 2)
    assert list(measured(chain, 2, 5)) == []
    (finding,) = measured(chain, 5, 5)
    assert finding.problem == "1 events up to this one are in the log no more"


def test_an_event_that_stands_there_twice_is_found():
    whole = lines(3)

    runs, _ = audited([*whole, whole[1]])
    _, broken = join(EPOCH, runs[1, EPOCH])

    assert [(finding.seq, finding.problem) for finding in broken] == [(2, "stands in the log twice")]


def test_a_watermark_that_was_moved_is_found_either_way():
    chain, _ = join(EPOCH, audited(lines(5))[0][1, EPOCH])

    for watermark, highest in ((4, 5), (6, 6), (5, 6), (5, 4)):
        assert list(measured(chain, watermark, highest)), (watermark, highest)


def test_events_of_a_dropped_day_are_told_from_those_that_vanished():
    whole = [gone(line) for line in lines(3)]

    runs, found = audited(whole, dropped=frozenset({(1, date(2026, 3, 2))}))
    assert (found, join(EPOCH, runs[1, EPOCH])[0].counts) == ([], {"dropped": 3})

    runs, found = audited(whole)
    assert (len(found), join(EPOCH, runs[1, EPOCH])[0].counts) == (3, {"lost": 3})


def test_a_gate_that_stands_elsewhere_than_its_events_is_found():
    assert audited([lines(1)[0]._replace(site_id=2)])[1] == ["stands under another site than its gate"]


@given(some.permutations(range(1, 8)))
def test_a_minute_has_the_same_roots_in_whatever_order_it_is_gathered(order: list[int]):
    def gathered(seqs: list[int]) -> Minute:
        minute = Minute()
        minute.keys += [key_leaf(1, EPOCH, seq, AT_US, bytes(32)) for seq in seqs]
        minute.rows += [row_of(1, EPOCH, seq, seq, None, False) for seq in seqs]
        return minute

    assert gathered(order).roots() == gathered(sorted(order)).roots()
    assert gathered(order).count == 7
    assert gathered(order[1:]).roots()[0] != gathered(order).roots()[0]
