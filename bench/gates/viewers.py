"""From a gate's event to two hundred screens and one in a browser: `gatehouse serve` and `ingest` over Redis.

Screens are real WebSockets that parse what comes; of the browser counts the frame that shows the row.
"""

import sys
from asyncio import subprocess

import httpx2
import msgspec

from bench.gates.browser import Guard
from bench.gates.place import Place, place
from bench.gates.player import cpu_s
from bench.gates.viewing import Viewing, Watched
from bench.report import Goal, percentile, table
from domain.kernel.caller import SERVICE
from gatehouse.embedded.address import free_port

VIEWERS = 200
WALKS_PER_S, SECONDS = 10, 15
GUARD = {"username": "guard", "email": "guard@example.com", "password": "a password of benchmarks"}


async def measure() -> dict[str, Goal]:
    """Measure, print the table and return the goal."""
    async with place(scanning=0, reporting=4, with_redis=True) as where:
        port, site_id = free_port(), where.plan.reporting[0].site_id
        async with where.process() as process:
            roles = [{"role": "guard", "siteId": site_id}]
            await process.runtime.call(SERVICE, "identity.create_user", {**GUARD, "roles": roles})
        hub = await where.gatehouse("serve", port)
        await where.gatehouse("ingest")
        order = Viewing(
            port=port,
            token=await _token(port),
            guard=Guard(GUARD["email"], GUARD["password"]),
            channel=f"access:{site_id}",
            viewers=VIEWERS,
            rate=WALKS_PER_S,
            seconds=SECONDS,
        )
        before = cpu_s(hub.pid)
        answer = await _watched(where, order)
        return show(answer, cpu_s(hub.pid) - before)


async def _token(port: int) -> str:
    async with httpx2.AsyncClient(trust_env=False) as http:
        signed_in = {"email": GUARD["email"], "password": GUARD["password"]}
        answer = await http.post(f"http://127.0.0.1:{port}/auth/login", json=signed_in)
        return str(answer.json()["accessToken"])


async def _watched(where: Place, order: Viewing) -> Watched:
    """Have the viewers watch, in a process of their own."""
    file = where.folder / "viewing.json"
    file.write_bytes(msgspec.json.encode(order))
    argv = (sys.executable, "-m", "bench.gates.viewing", str(where.plan_file), str(file))
    process = await subprocess.create_subprocess_exec(*argv, stdout=subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the viewers ended early")
    return msgspec.json.decode(told, type=Watched)


def show(answer: Watched, hub_s: float) -> dict[str, Goal]:
    """Print the table and return the goals."""
    sockets, browser = sorted(answer.sockets_ms), sorted(answer.browser_ms)
    to_sockets, to_browser = percentile(sockets, 99), percentile(browser, 99)
    rows = [
        (
            "gate's event to a viewer's socket, p50 / p99",
            f"{percentile(sockets, 50):.0f} / {to_sockets:.0f} ms",
        ),
        ("to the picture in the browser, p50 / p99", f"{percentile(browser, 50):.0f} / {to_browser:.0f} ms"),
        ("events, and how many a viewer missed", f"{answer.events}, {answer.missed}"),
        ("CPU of the hub", f"{hub_s:.1f} s of {SECONDS} s"),
    ]
    print(table((f"{VIEWERS} viewers, {WALKS_PER_S} walks/s", "value"), rows))
    return {
        "P8": Goal(to_browser, 150, f"ms from a gate's event to a browser beside {VIEWERS} viewers, p99"),
        "P8 sockets": Goal(to_sockets, 150, f"ms from a gate's event to {VIEWERS} viewers, p99"),
        "P8 missed": Goal(answer.missed, 0, "events that a viewer did not see"),
    }
