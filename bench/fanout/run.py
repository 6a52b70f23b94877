"""The benchmarks `fanout` and `idle`: all that is measured, in order."""

import sys
import tempfile
import time
from pathlib import Path

from bench.fanout.growth import growth
from bench.fanout.house import House, house
from bench.fanout.measured import BURST, OURS, OURS_PLAIN, Measured
from bench.fanout.partners import WITH_OWN
from bench.fanout.peers import peers
from bench.fanout.people import people_us
from bench.fanout.server import Server
from bench.fanout.show import show, show_growth
from bench.fanout.storm import storm
from bench.fanout.subject import Subject, subject
from bench.fanout.through_redis import through_redis
from bench.fanout.tools import Missing, program, raise_file_limit
from gatehouse.embedded.address import free_port

ROUNDS = 3
SECONDS = 0.4
HANDSHAKES = 500
BEGAN = time.monotonic()


async def run() -> None:
    """Measure what a delivery, a connection and a return cost; print the tables, and last the line of JSON."""
    fit = await _prepared()
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with house(Path(folder)) as place:
            await _fan_out(place, measured)
            for stage in (_return, _echo, _people):
                _tell(stage.__doc__ or "")
                try:
                    await stage(place, measured, fit)
                except (Missing, RuntimeError) as defect:
                    measured.absent.append(f"Failed: {stage.__doc__} {defect}")
    show(measured)


async def _return(place: House, measured: Measured, fit: int) -> None:
    """Clients come back after a restart."""
    measured.storm = await storm(place, fit)


async def _echo(place: House, measured: Measured, fit: int) -> None:
    """Messages go through Redis."""
    measured.echo = await through_redis(place, ROUNDS)


async def _people(place: House, measured: Measured, fit: int) -> None:
    """Our own people connect."""
    measured.people_us = await people_us(place)


async def idle() -> None:
    """Let connections grow to many that do nothing; tell what they weigh, and what a delivery to them costs."""
    fit = await _prepared()
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with house(Path(folder)) as place:
            show_growth(await growth(place, fit, _tell))


async def _prepared() -> int:
    """Return how many connections a process may have; end where there is nothing to load servers with."""
    try:
        await program("load")
    except Missing as reason:
        sys.exit(f"nothing can be measured: {reason}")
    return raise_file_limit()


def _tell(stage: str) -> None:
    print(f"{time.monotonic() - BEGAN:6.1f} s  {stage.rstrip('.')} ...", file=sys.stderr, flush=True)


async def _fan_out(place: House, measured: Measured) -> None:
    try:
        await _ours(place, measured)
        for peer in peers((await place.redis()).url):
            _tell(peer.name)
            try:
                server = await Server.start(await peer.prepare(), free_port(), place.folder)
                measured.subjects.append(await subject(peer.name, server))
            except Missing as reason:
                measured.absent.append(f"{peer.name} is absent: {reason}")
        _tell("rounds")
        for number in range(ROUNDS):
            for one in list(measured.subjects):
                if number == 0 or not one.is_slow:
                    await _take_part(one, measured, warm=number == 0)
    finally:
        for one in measured.subjects:
            await one.stop()


async def _ours(place: House, measured: Measured) -> None:
    for name, uring in ((OURS, "auto"), (OURS_PLAIN, "off")):
        _tell(name)
        hub = await place.hub(uring=uring)
        if name == OURS:
            measured.handshake_us = await _handshake_us(hub.server)
        measured.subjects.append(await subject(name, hub.server, hub))
    hub = await place.hub(channels=WITH_OWN)
    one = await subject("with a channel of one's own", hub.server, hub)
    measured.own_idle_bytes, measured.own_join_us = one.idle_bytes, one.join_us
    await one.stop()


async def _handshake_us(server: Server) -> float:
    """Return what the upgrade alone costs: clients that connect and say nothing."""
    load = await server.clients(2 * HANDSHAKES, manner="plain")
    (await load.open(HANDSHAKES)).complete("hub")
    before = server.cpu_s
    (await load.open(HANDSHAKES)).complete("hub")
    spent = server.cpu_s - before
    await load.stop()
    return spent / HANDSHAKES * 1e6


async def _take_part(one: Subject, measured: Measured, *, warm: bool) -> None:
    try:
        if warm:
            await one.deliver(SECONDS / 2, 1)
        for burst in (1, BURST):
            await one.measure(SECONDS, burst)
    except RuntimeError as defect:
        if one.hub is not None:
            raise
        measured.subjects.remove(one)
        measured.absent.append(f"{one.name} is left out: {defect}")
        await one.stop()
