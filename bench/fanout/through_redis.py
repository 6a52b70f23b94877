"""From publishing into Redis to a client of another hub, beside Redis's own way from PUBLISH to SUBSCRIBE."""

import asyncio
import socket
import time

from bench.fanout.house import House, Hub, Publisher
from bench.fanout.load import message
from bench.report import percentile

RATE = 250
SECONDS = 2.0


async def through_redis(house: House, rounds: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return p50 and p99 in µs of both, round by round, the raw way first."""
    hub = await house.hub()
    load = await hub.server.clients(1)
    try:
        (await load.open(1)).complete("hub")
        publisher = Publisher(hub, [load])
        await publisher.publish(1)
        measured = []
        for _ in range(rounds):
            raw = await asyncio.to_thread(_raw, hub)
            await _paced(publisher)
            (told,) = await publisher.arrived()
            measured.append((raw, (told.p50_us, told.p99_us)))
        return measured
    finally:
        await load.stop()
        await hub.stop()


async def _paced(publisher: Publisher) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(int(RATE * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))
        await publisher.send()


def _raw(hub: Hub) -> tuple[float, float]:
    """Publish on one bare connection and hear it on another, at the same pace."""
    with _connected(hub) as publishing, _connected(hub) as hearing:
        hearing.sendall(b"SUBSCRIBE raw\r\n")
        hearing.recv(4096)
        took = []
        began = time.monotonic()
        for number in range(int(RATE * SECONDS)):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            data = message(number, 0)
            start = time.monotonic_ns()
            publishing.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$3\r\nraw\r\n$%d\r\n%s\r\n" % (len(data), data))
            hearing.recv(4096)
            took.append((time.monotonic_ns() - start) / 1000)
            publishing.recv(4096)
    took.sort()
    return percentile(took, 50), percentile(took, 99)


def _connected(hub: Hub) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(hub.redis.socket))
    return connection
