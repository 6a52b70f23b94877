"""Nothing is ever received in a minute that is sealed, whoever's clock is slow and whoever stood still."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.access.operations.recording import record
from domain.access.tables.evidence import LogRootRow, LogSealRow
from domain.access.tables.record import AccessKeyRow, AccessLogRow
from domain.kernel.caller import SERVICE
from domain.kernel.errors import Busy
from tests.eventually import eventually
from tests.premises import Premises
from tests.reports import Reporter, seal


@asynccontextmanager
async def recorder(premises: Premises, gate: Reporter) -> AsyncIterator[None]:
    """Somebody who has recorded an event, at the moment the clock shows, and has not committed yet."""
    runtime = premises.house.runtime
    async with runtime.sessions.begin() as db:
        await record(runtime.context(SERVICE, db), events=gate.taken(gate.write()), poison=[])
        yield


async def read(premises: Premises, column: Any) -> list[Any]:
    async with premises.house.runtime.readers() as db:
        return list(await db.scalars(select(column).order_by(column)))


async def waiting(db: AsyncSession) -> int:
    return (
        await db.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        or 0
    )


async def test_what_is_received_has_one_moment_everywhere(premises: Premises):
    gate = Reporter(premises)
    await gate.report(2)

    (fact, other) = await premises.named("access.recorded")
    moments = {
        *await read(premises, AccessKeyRow.received_at),
        *await read(premises, AccessLogRow.received_at),
    }
    assert moments == {fact.received_at, other.received_at} == {premises.now}


async def test_whoever_comes_after_the_seal_receives_after_it(premises: Premises):
    gate = Reporter(premises)
    await gate.report()
    started = premises.now
    await seal(premises)
    sealed = started + timedelta(minutes=1)

    premises.house.clock.now = started + timedelta(seconds=30)  # a process whose clock is slow
    await gate.report()

    assert await read(premises, AccessKeyRow.received_at) == [started, sealed]
    assert (await premises.named("access.recorded"))[-1].received_at == sealed


async def test_the_sealer_waits_for_who_records_and_signs_what_they_wrote(premises: Premises):
    gate = Reporter(premises)
    await gate.report()
    minute = premises.now

    async with recorder(premises, gate):
        premises.house.clock.advance(seconds=66)
        sealing = asyncio.create_task(premises.house.call(SERVICE, "access.seal_log"))
        async with premises.house.runtime.readers() as db:

            async def it_waits() -> bool:
                return await waiting(db) == 1

            await eventually(it_waits)
        assert await read(premises, LogSealRow.until) != [minute + timedelta(minutes=1)]
    assert await sealing

    await premises.house.call(SERVICE, "access.sign_roots")
    assert await read(premises, LogRootRow.count) == [2]


async def test_the_sealer_gives_up_soon_so_that_recorders_do_not_queue_behind_it(premises: Premises):
    gate, other = Reporter(premises), Reporter(premises, gate="door")

    async with recorder(premises, gate):
        premises.house.clock.advance(seconds=66)
        with pytest.raises(Busy):
            await premises.house.call(SERVICE, "access.seal_log")
        async with asyncio.timeout(5):
            await other.report()

    assert await premises.house.call(SERVICE, "access.seal_log")


async def test_of_many_sealers_and_recorders_at_once_nobody_receives_in_a_sealed_minute(premises: Premises):
    gates = [Reporter(premises), Reporter(premises, gate="door"), Reporter(premises, epoch="ff" * 8)]
    chance = random.Random(7)
    sealed: list[datetime] = []

    async def report(gate: Reporter) -> None:
        for _ in range(12):
            await gate.report()
            await asyncio.sleep(0)

    async def seal_and_sign() -> None:
        for _ in range(12):
            premises.house.clock.advance(seconds=chance.choice([1, 20, 70]))
            try:
                await premises.house.call(SERVICE, "access.seal_log")
            except Busy:
                continue
            await premises.house.call(SERVICE, "access.sign_roots")
            sealed.extend(await read(premises, LogSealRow.until))

    await asyncio.gather(*map(report, gates), seal_and_sign(), seal_and_sign())
    await seal(premises)

    assert len(set(sealed)) > 3, "the seal moved while others recorded"
    assert sum(await read(premises, LogRootRow.count)) == 36
    for gate_name in ("entrance", "door"):
        proof = await premises.ask("manager", "access.verify_gate", gate_id=premises.ids[gate_name])
        assert proof.findings == []
    async with premises.house.runtime.readers() as db:
        counted = await db.execute(
            text("SELECT date_trunc('minute', received_at), count(*) FROM access_keys GROUP BY 1 ORDER BY 1")
        )
        roots = await db.execute(text("SELECT minute, count FROM log_roots ORDER BY 1"))
        assert counted.all() == roots.all(), "what was signed is what is there"


async def test_without_the_seal_an_event_would_come_into_a_signed_minute(premises: Premises):
    """Shows that the test above can fail: with the safeguard away, a slow clock writes into what is signed."""
    gate = Reporter(premises)
    await gate.report()
    started = premises.now
    await seal(premises)
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text("UPDATE log_seal SET until = 'epoch', rooted = 'epoch'"))

    premises.house.clock.now = started + timedelta(seconds=30)
    await gate.report()

    assert max(await read(premises, AccessKeyRow.received_at)) < started + timedelta(minutes=1)
