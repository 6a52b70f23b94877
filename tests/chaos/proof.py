"""What must hold when all is over: the log is the union of the gates' own journals, and all else follows from it."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from domain.access.rules.passage import moment
from gate_bridge import wire
from tests.chaos.world import Fleet, World

Key = tuple[int, str, int]
Journals = Mapping[Key, wire.Event]
Moments = Mapping[Key, tuple[datetime, int]]
NEVER = datetime(1, 1, 1, tzinfo=UTC), 0


def read_journal(path: Path) -> tuple[list[wire.Event], int, int]:
    """Return a stopped gate's events, up to where it has forgotten them, and how many there are."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT body FROM event ORDER BY seq").fetchall()
        acknowledged, last = database.execute("SELECT acknowledged, last_seq FROM state").fetchone()
    finally:
        database.close()
    return [msgspec.json.decode(body, type=wire.Event) for (body,) in rows], acknowledged, last


async def differences(world: World) -> list[str]:
    """Return what does not hold, each as a word and its particulars; the gates' processes must have ended."""
    journals: dict[Key, wire.Event] = {}
    found: list[str] = []
    for fleet in world.fleets:
        for journal in fleet.journals:
            events, acknowledged, last = read_journal(journal)
            journals |= {(fleet.gate.gate_id, event.epoch, event.seq): event for event in events}
            if not acknowledged == last == len(events):
                found.append(f"drained: gate {fleet.gate.gate_id} has {last}, {acknowledged} acknowledged")
    found += await _log(world, journals)
    found += await _watermarks(world, journals)
    moments = await _moments(world, journals)
    found += await _occupancy(world, journals, moments)
    found += await _visits(world, journals, moments)
    found += await _grants(world, journals)
    found += await _facts(world)
    quarantined = await world.ask("SELECT reason FROM quarantine")
    return found + [f"quarantine: {reason}" for (reason,) in quarantined]


async def _log(world: World, journals: Journals) -> list[str]:
    rows = await world.ask("SELECT gate_id, epoch, seq, hash, previous_hash, canonical FROM access_log")
    counted = Counter((row[0], row[1].hex(), row[2]) for row in rows)
    found = [f"twice: {key} stands {times} times" for key, times in counted.items() if times > 1]
    found += [f"lost: {key}" for key in sorted(journals.keys() - counted.keys())]
    found += [f"invented: {key}" for key in sorted(counted.keys() - journals.keys())]
    for gate_id, epoch, seq, *stored in rows:
        event = journals.get((gate_id, epoch.hex(), seq))
        if event is not None and stored != [
            bytes.fromhex(event.hash),
            bytes.fromhex(event.previous_hash),
            wire.canonical(event),
        ]:
            found.append(f"hash: {gate_id} {seq} is not what the gate wrote")
    return found


async def _watermarks(world: World, journals: Journals) -> list[str]:
    written: dict[tuple[int, str], int] = defaultdict(int)
    for gate_id, epoch, seq in journals:
        written[gate_id, epoch] = max(written[gate_id, epoch], seq)
    rows = await world.ask("SELECT gate_id, epoch, watermark, highest FROM gate_epochs")
    stored = {(row[0], row[1].hex()): (row[2], row[3]) for row in rows}
    return _unequal("watermark", stored, {key: (last, last) for key, last in written.items()})


async def _moments(world: World, journals: Journals) -> Moments:
    """Return when each event counts as having happened, and its number in the log, which tells two at once apart."""
    rows = await world.ask("SELECT gate_id, epoch, seq, id, received_at, historical FROM access_log")
    found: dict[Key, tuple[datetime, int]] = {}
    for gate_id, epoch, seq, number, received_at, historical in rows:
        event = journals.get((gate_id, epoch.hex(), seq))
        if event is not None:
            at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
            counts = moment(at, received_at, historical=historical, clock=event.clock)
            found[gate_id, event.epoch, seq] = counts, number
    return found


async def _occupancy(world: World, journals: Journals, moments: Moments) -> list[str]:
    """A pass is where its latest walk led; who walked without one is counted in and out."""
    inside: dict[int, int] = {row[0]: 0 for row in await world.ask("SELECT id FROM zones")}
    latest: dict[int, tuple[tuple[datetime, int], int | None]] = {}
    for fleet, event in _passages(world, journals):
        left, entered = _way(fleet, event)
        if event.pass_id is not None:
            when = moments.get(_key(fleet, event), NEVER)
            seen = latest.get(event.pass_id, (NEVER, None))
            latest[event.pass_id] = max(seen, (when, entered), key=itemgetter(0))
            continue
        if left is not None:
            inside[left] -= 1
        if entered is not None:
            inside[entered] += 1
    for _, zone in latest.values():
        if zone is not None:
            inside[zone] += 1
    stored = {row[0]: row[1] for row in await world.ask("SELECT id, inside FROM zones")}
    return _unequal("occupancy", stored, inside)


async def _visits(world: World, journals: Journals, moments: Moments) -> list[str]:
    expected = Counter(
        (
            fleet.gate.gate_id,
            event.pass_id,
            "enter" if _way(fleet, event)[0] is None else "exit",
            moments.get(_key(fleet, event), NEVER)[0],
        )
        for fleet, event in _passages(world, journals)
        if event.pass_id is not None and None in _way(fleet, event)
    )
    rows = await world.ask(
        "SELECT visits.gate_id, grant_id, action, at FROM visits"
        " JOIN guest_passes ON guest_passes.id = guest_pass_id"
    )
    return _unequal("visits", Counter(tuple(row) for row in rows), expected)


async def _grants(world: World, journals: Journals) -> list[str]:
    entered = {row[0]: 0 for row in await world.ask("SELECT id FROM grants")}
    for fleet, event in _passages(world, journals):
        left, zone = _way(fleet, event)
        if event.pass_id is not None:
            entered[event.pass_id] += left is None and zone is not None
    stored = {row[0]: row[1] for row in await world.ask("SELECT id, entered FROM grants")}
    return _unequal("entries", stored, entered)


async def _facts(world: World) -> list[str]:
    """Each row of the log is one fact, so that whoever follows the facts counts as the log does."""
    told = await world.ask("SELECT (body ->> 'accessId')::bigint FROM facts WHERE name = 'access.recorded'")
    rows = await world.ask("SELECT id FROM access_log")
    return _unequal("facts", Counter(row[0] for row in told), Counter(row[0] for row in rows))


def _passages(world: World, journals: Journals) -> Sequence[tuple[Fleet, wire.Event]]:
    fleets = {fleet.gate.gate_id: fleet for fleet in world.fleets}
    return [
        (fleets[gate_id], event) for (gate_id, _, _), event in journals.items() if event.kind == "passage"
    ]


def _key(fleet: Fleet, event: wire.Event) -> Key:
    return fleet.gate.gate_id, event.epoch, event.seq


def _way(fleet: Fleet, event: wire.Event) -> tuple[int | None, int | None]:
    """Return the zone left and the zone entered; None is the street."""
    ends = [zone.zone_id if zone else None for zone in (fleet.gate.from_zone, fleet.gate.to_zone)]
    left, entered = ends if event.direction == "in" else reversed(ends)
    return left, entered


def _unequal(what: str, stored: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[str]:
    return [
        f"{what}: {key} is {stored.get(key)}, not {expected.get(key)}"
        for key in sorted(stored.keys() | expected.keys(), key=str)
        if stored.get(key) != expected.get(key)
    ]
