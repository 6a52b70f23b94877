"""What the codecs cost: a push written, a command read, a difference made; each the best of several runs."""

import json
import random
import timeit
from collections.abc import Callable
from functools import partial

from msgspec import Raw

from bench.report import table
from channels import delta
from channels.protocol.codecs import CODECS
from channels.protocol.messages import ClientInfo, Command, Publication, Publish, Push, Reply

RUNS, TIMES = 7, 300
PAYLOAD = json.dumps({"gate": 7, "state": "online", "people": 12, "at": "2026-10-05T09:30:43Z"}).encode()


def microseconds(act: Callable[[], object]) -> float:
    return min(timeit.repeat(act, number=TIMES, repeat=RUNS)) / TIMES * 1e6


async def run() -> None:
    """Measure and tell."""
    info = ClientInfo(user="42", client="5f0c2f4e-9f4e-4a39-8a3a-0f4b1c2d3e4f")
    push = Reply(push=Push(channel="news:all", pub=Publication(data=Raw(PAYLOAD), offset=7, info=info)))
    command = Command(id=7, publish=Publish(channel="news:all", data=Raw(PAYLOAD)))
    rows = []
    for codec in CODECS:
        written, asked = codec.encode(push), codec.encode_command(command)
        rows.append(
            [
                codec.name,
                f"{len(written)}",
                f"{microseconds(partial(codec.encode, push)):.1f}",
                f"{len(asked)}",
                f"{microseconds(partial(codec.decode, asked)):.1f}",
            ]
        )
    print(table(["codec", "push, bytes", "written, µs", "command, bytes", "read, µs"], rows))
    print(table(["difference", "payload, bytes", "patch, bytes", "made, µs"], differences()))


def differences() -> list[list[str]]:
    rows = []
    for count in (5, 50, 500):
        items = [{"key": f"gate-{n}", "version": n, "data": {"state": "online"}} for n in range(count)]
        before = json.dumps(items).encode()
        items[count // 2]["version"] = 9999
        rows.append(difference("one number", before, json.dumps(items).encode()))
        items[0]["version"] = items[-1]["version"] = 7777
        rows.append(difference("three, far apart", before, json.dumps(items).encode()))
    noise = random.Random(1).randbytes
    rows += [difference("nothing alike", noise(size), noise(size)) for size in (1000, 16_000, delta.LARGEST)]
    return rows


def difference(name: str, before: bytes, after: bytes) -> list[str]:
    patch = delta.create(before, after)
    return [
        name,
        f"{len(after):,}",
        f"{len(patch):,}",
        f"{microseconds(lambda: delta.create(before, after)):.0f}",
    ]
