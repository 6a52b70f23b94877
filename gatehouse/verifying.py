"""`gatehouse verify-log`: go through the whole log and tell what is not as the gates wrote it."""

import asyncio
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

from domain.access.operations import verification
from domain.access.operations.proofs import Proof
from domain.access.operations.roots import own_key
from domain.access.operations.verification import JournalReport, Part, Plan, Span
from domain.access.rules import exported, omissions, root_chain
from domain.access.rules.chains import State
from domain.access.rules.exported import Exported
from domain.access.rules.proof import Finding
from domain.access.rules.root_chain import Keys
from domain.access.rules.statements import Omission, Root
from domain.kernel import keys as derived
from domain.kernel.caller import SERVICE
from domain.kernel.errors import NotFound
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import BadSetting, Settings

MOST = 100
"""Findings that are printed; where there are more, the first say enough."""
NOTHING = Exported({}, {}, [])


async def verify_log(
    settings: Settings, gate_ids: Sequence[int], *, roots: Path | None = None, jobs: int = 1
) -> None:
    """Print a line per journal and per finding; end the process with 1 where there are findings.

    Raises: BadSetting, for roots that cannot be read, or that are to be compared with the journals of single gates.
    """
    if gate_ids and roots is not None:
        raise BadSetting(
            "--roots tells of the whole log of a site, which --gate leaves out: give one or the other"
        )
    began = time.monotonic()
    kept = NOTHING if roots is None else _read(roots)
    async with with_database(settings) as settled:
        if gate_ids:
            events, found = await _verify_gates(settled, gate_ids)
        else:
            events, found = await _verify_all(settled, kept, jobs)
    for words in found[:MOST]:
        print(f"  {words}")
    took = time.monotonic() - began
    print(f"{events:,} events verified in {took:.1f} s, {len(found)} findings")
    if found:
        sys.exit(1)


async def _verify_gates(settings: Settings, gate_ids: Sequence[int]) -> tuple[int, list[str]]:
    events, found = 0, list[str]()
    async with process_of(settings, connections=2) as process:
        for gate_id in gate_ids:
            try:
                proof: Proof = await process.runtime.call(SERVICE, "access.verify_gate", {"gateId": gate_id})
            except NotFound as refusal:
                sys.exit(f"gatehouse: {refusal.detail}")
            for one in proof.journals:
                counts: dict[State, int] = {
                    "stands": one.events,
                    "dropped": one.dropped,
                    "unreadable": one.unreadable,
                }
                _tell(gate_id, one.epoch, one.up_to, one.last, counts, one.erased)
            events += sum(journal.events for journal in proof.journals)
            found += [_about_event(gate_id, one) for one in proof.findings]
    return events, found


async def _verify_all(settings: Settings, kept: Exported, jobs: int) -> tuple[int, list[str]]:
    url = str(settings.database_url)
    async with verification.reading(url) as connection:
        plan = await verification.plan(connection)
        roots = await verification.all_roots(connection)
        notes = await verification.all_omissions(connection)
        parts = await _read_all(url, plan, jobs)
        journals, broken = await verification.put_together(connection, parts)
    for journal in journals:
        _tell_journal(journal)
    print(f"{len(roots):,} signed minutes; {len(notes):,} notes of what was taken out on purpose")
    events = sorted([*broken, *(one for part in parts for one in part.findings)], key=_place)
    keys = _keys(settings, kept)
    found = [_about_event(gate_id, one) for gate_id, one in events]
    found += _about_roots(parts, roots, kept, keys)
    found += _about_omissions(parts, notes, kept, keys)
    return sum(part.events for part in parts), found


async def _read_all(url: str, plan: Plan, jobs: int) -> list[Part]:
    if jobs == 1 or len(plan.spans) == 1:
        return [await _read_span(url, plan, span) for span in plan.spans]
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(plan.spans)), mp_context=fresh) as pool:
        loop = asyncio.get_running_loop()
        reads = [loop.run_in_executor(pool, _in_process, url, plan, span) for span in plan.spans]
        return list(await asyncio.gather(*reads))


def _in_process(url: str, plan: Plan, span: Span) -> Part:
    return asyncio.run(_read_span(url, plan, span))


async def _read_span(url: str, plan: Plan, span: Span) -> Part:
    async with verification.reading(url, plan.snapshot) as connection:
        return await verification.verify_span(connection, plan, span)


def _read(file: Path) -> Exported:
    try:
        with file.open("rb") as lines:
            return exported.read(lines)
    except (OSError, ValueError) as problem:
        raise BadSetting(f"{file} cannot be read: {problem}") from problem


def _keys(settings: Settings, kept: Exported) -> Keys:
    """The keys whose signatures count: this installation's, and those that were exported."""
    name, private = own_key(derived.Keys(settings.jwt_secret_key))
    return {name: private.public_key()} | kept.public_keys


def _about_roots(parts: Sequence[Part], roots: Sequence[Root], kept: Exported, keys: Keys) -> Iterator[str]:
    now = {(root.site_id, root.number): root for root in roots}
    of_events = [one for part in parts for one in part.roots]
    for one in [*of_events, *root_chain.check(roots, keys), *root_chain.compare(kept.roots, now)]:
        minute = datetime.fromtimestamp(one.minute, UTC)
        yield f"site {one.site_id}: the minute {minute:%Y-%m-%d %H:%M} {one.problem}"


def _about_omissions(
    parts: Sequence[Part], notes: Sequence[Omission], kept: Exported, keys: Keys
) -> Iterator[str]:
    missing, erased = Counter[tuple[int, date]](), Counter[tuple[int, date]]()
    for part in parts:
        missing.update(part.missing)
        erased.update(part.erased)
    found = [*omissions.check(notes, keys), *omissions.compare(kept.omissions, notes)]
    for (site_id, day), problem in [*found, *omissions.uncovered(notes, missing, erased)]:
        yield f"site {site_id}: the day {day} {problem}"


def _about_event(gate_id: int, finding: Finding) -> str:
    return f"gate {gate_id}, journal {finding.epoch}: event {finding.seq} {finding.problem}"


def _place(found: tuple[int, Finding]) -> tuple[int, str, int]:
    return found[0], found[1].epoch, found[1].seq


def _tell_journal(report: JournalReport) -> None:
    chain = report.chain
    _tell(report.gate_id, chain.epoch.hex(), report.watermark, chain.last, chain.counts, report.erased)


def _tell(gate_id: int, epoch: str, up_to: int, last: int, counts: Mapping[State, int], erased: int) -> None:
    here = sum(count for state, count in counts.items() if state != "lost")
    words = [f"{max(up_to - here, 0)} missing", f"last seq {last:,}"]
    words += [f"{dropped} dropped after their term"] if (dropped := counts.get("dropped", 0)) else []
    words += [f"{erased} without their person"] if erased else []
    words += [f"{lost} unreadable, in quarantine"] if (lost := counts.get("unreadable", 0)) else []
    print(f"gate {gate_id}, journal {epoch}: {', '.join(words)}")
