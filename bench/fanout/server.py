"""A server that is measured: a process of its own that takes WebSocket clients on a port of loopback."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.fanout import cost
from bench.fanout.load import Load, Manner
from bench.fanout.tools import Missing
from gatehouse.embedded.child import Child, Command

READY_S = 30


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to start one, with `{port}` where its port belongs, and how its clients become subscribers."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    manner: Manner = "plain"
    path: str = "/sub"
    publish_path: str = "/pub"
    tokens: Path | None = None
    """A file of tokens, one per line, of which each client brings one."""
    channels: tuple[str, ...] = ()
    """What each client subscribes to; `%` is its number."""


@dataclass
class Server:
    """One that runs."""

    recipe: Recipe
    port: int
    child: Child

    @classmethod
    async def start(cls, recipe: Recipe, port: int, folder: Path) -> Self:
        """Start it and wait until it listens.

        Raises:
            Missing: It ended at once, or does not listen.
        """
        argv = tuple(word.replace("{port}", str(port)) for word in recipe.argv)
        env = {name: text.replace("{port}", str(port)) for name, text in recipe.env.items()}
        child = await Child.start(Command(argv=argv, log=folder / "log" / f"{port}.log", env=env))
        server = cls(recipe, port, child)
        try:
            async with asyncio.timeout(READY_S):
                while not await listens(port):
                    if not child.running:
                        raise Missing(str(child.failure("did not start")))
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await child.stop(1)
            raise Missing(f"it did not listen within {READY_S} s") from None
        return server

    async def clients(self, most: int, *, manner: Manner | None = None) -> Load:
        """Start a load of at most so many clients; another ``manner`` than the server's own joins in another way."""
        recipe = self.recipe
        return await Load.start(
            manner or recipe.manner,
            self.port,
            most=most,
            path=recipe.path,
            publish_path=recipe.publish_path,
            tokens=recipe.tokens,
            channels=recipe.channels,
        )

    @property
    def cpu_s(self) -> float:
        return cost.cpu_s(self.child.pid)

    @property
    def memory_bytes(self) -> int:
        return cost.memory_bytes(self.child.pid)

    async def stop(self) -> None:
        """End it."""
        await self.child.stop(5)


async def listens(port: int) -> bool:
    """Tell whether anybody takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
