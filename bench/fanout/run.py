"""The benchmarks `fanout` and `idle`: everything measured, shown, and judged by its goals."""

import tempfile
from pathlib import Path

from bench.fanout.growth import growing, growth
from bench.fanout.house import House, house
from bench.fanout.measured import BURST, OURS, OURS_PLAIN, Measured
from bench.fanout.peers import peers
from bench.fanout.server import Server
from bench.fanout.show import show
from bench.fanout.storm import storm
from bench.fanout.subject import Subject, subject
from bench.fanout.through_redis import through_redis
from bench.fanout.tools import Missing, raise_file_limit
from bench.report import Goal, line_of_json, table
from gatehouse.embedded.address import free_port
from gatehouse.embedded.redis import Redis

ROUNDS = 3
SECONDS = 0.4
HANDSHAKES = 1_000
IDLE = 50_000


async def run() -> None:
    """Measure what a delivery, a connection and a return cost; print the tables, and last the line of JSON."""
    fit = raise_file_limit()
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with house(Path(folder)) as place:
            await _fan_out(place, measured)
            measured.storm, measured.storm_us = await storm(place, fit)
            measured.echo = await through_redis(place, ROUNDS)
            measured.growth_us, measured.growth_hubs = await growth(place, fit)
    show(measured)


async def idle() -> None:
    """Hold many authenticated connections that do nothing, and tell what they weigh."""
    fit = raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with house(Path(folder)) as place, growing(place, fit, IDLE) as hubs:
            before = hubs.memory_bytes
            await hubs.grow(IDLE)
            after = hubs.memory_bytes
            each = (after - before) / IDLE
            delivery_us = await hubs.delivery_us()
    print(
        table(
            (f"{IDLE:,} idle connections", "value"),
            [
                ("hubs, of as many connections as they may open files", str(len(hubs.hubs))),
                ("memory of the hubs without connections", f"{before / 2**20:,.0f} MiB"),
                ("memory of the hubs with them", f"{after / 2**20:,.0f} MiB"),
                ("memory per connection", f"{each:,.0f} bytes"),
                ("CPU per delivery to all of them", f"{delivery_us:.2f} µs"),
            ],
        )
    )
    goals = {"P3": Goal(each, 3 * 1024, "bytes of an idle connection with a token and three subscriptions")}
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("idle", goals))


async def _fan_out(place: House, measured: Measured) -> None:
    redis = await place.stack.enter_async_context(Redis.start(place.folder / "redis"))
    try:
        await _ours(place, measured)
        for peer in peers(redis.url):
            try:
                server = await Server.start(await peer.prepare(), free_port(), place.folder)
                measured.subjects.append(await subject(peer.name, server))
            except Missing as reason:
                measured.absent.append(f"{peer.name} is absent: {reason}")
        for number in range(ROUNDS):
            for one in list(measured.subjects):
                await _take_part(one, measured, warm=number == 0)
    finally:
        for one in measured.subjects:
            await one.stop()


async def _ours(place: House, measured: Measured) -> None:
    for name, uring in ((OURS, "auto"), (OURS_PLAIN, "off")):
        hub = await place.hub(name, uring=uring)
        if uring == "auto":
            measured.handshake_us = await _handshake_us(hub.server)
        measured.subjects.append(await subject(name, hub.server, hub))


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
