"""A house as an operator starts it: `gatehouse up` as a child process with its own data and ports."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.access.rules.facts import Direction
from gatehouse.embedded.address import free_port
from gatehouse.embedded.child import Child, Command
from gatehouse.simulating import FLEET_FILE
from simulators.control import present
from simulators.plan import load
from simulators.presented import Presented
from tests.eventually import eventually
from tests.services.folder import short_folder

ROOT = Path(__file__).parents[2]
GATEHOUSE = str(Path(sys.executable).with_name("gatehouse"))
PASSWORD = "gatehouse-demo"
UP_WITHIN_S = 90
PATIENCE_S = 30
"""How long a thing may take that takes a moment on an idle machine."""


@dataclass
class Answer:
    """What a command of the command line printed, and its exit code."""

    code: int
    printed: str
    complained: str


@dataclass
class House:
    """One data directory, and the process that serves it while it is up."""

    data: Path
    port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    demo: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    starts: int = 0
    child: Child | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the process is started with: nothing of the machine's own settings."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        ports = {"PORT": str(self.port), "MQTT_PORT": str(self.mqtt_port)}
        return {**kept, **ports, "GATEHOUSE_DATA": str(self.data), **self.settings}

    @property
    def terminal(self) -> Path:
        """Where lands what the terminal would show."""
        return self.data.parent / f"{self.data.name}-{self.starts}.terminal"

    @property
    def shown(self) -> str:
        """What the terminal shows."""
        return self.terminal.read_text() if self.terminal.exists() else ""

    @property
    def url(self) -> str:
        """Where the terminal says that the house is."""
        found = re.search(r"dashboard\s+(http://\S+)/$", self.shown, re.MULTILINE)
        assert found, self.shown
        return found[1]

    @property
    def broker_port(self) -> int:
        """Where the terminal says that the broker is."""
        found = re.search(r"mqtt://127\.0\.0\.1:(\d+)", self.shown)
        assert found, self.shown
        return int(found[1])

    @property
    def control(self) -> Path:
        """Where the running fleet is shown passes."""
        fleet = self.data / FLEET_FILE
        return fleet.parent / load(fleet).control

    async def up(self) -> None:
        """Start it, and wait until it says that it is up."""
        self.begin = time.monotonic()
        self.starts += 1
        argv = (GATEHOUSE, "up") if self.demo else (GATEHOUSE, "up", "--no-demo")
        command = Command(argv=argv, log=self.terminal, env=self.environment, goodbye=signal.SIGINT)
        self.child = await Child.start(command)
        await eventually(self._is_up, UP_WITHIN_S)

    def _is_up(self) -> bool:
        assert self.child is not None and self.child.running, self.shown
        return "Ctrl-C stops everything" in self.shown

    async def interrupt(self, deadline_s: float = 5) -> int:
        """Press Ctrl-C; return the exit code, or fail where it takes longer than the deadline."""
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGINT)
        async with asyncio.timeout(deadline_s):
            return await self.child.wait()

    async def end(self) -> None:
        """End it one way or another, after a test."""
        if self.child is not None:
            await self.child.stop(10)

    def family(self) -> list[psutil.Process]:
        """The process and all below it."""
        assert self.child is not None
        try:
            parent = psutil.Process(self.child.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def remains(self) -> list[str]:
        """Command lines of processes that have to do with this data directory."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if any(str(self.data) in word for word in words):
                found.append(" ".join(words))
        return found

    async def call(self, *words: str, settings: Mapping[str, str] | None = None) -> Answer:
        """Call `gatehouse` for this house as at another terminal."""
        return await run(GATEHOUSE, *words, environment={**self.environment, **(settings or {})})

    async def scan(self, gate: int, token: str, direction: str = "in") -> Answer:
        """Show a pass at a gate of the running fleet."""
        words = ("--gate", str(gate), "--token", token, "--direction", direction)
        return await self.call("simulate", "scan", *words)

    async def present(self, gate: int, token: str, direction: Direction = "in") -> Presented:
        """Show a pass at a gate of the running fleet, as a person would: again where the gate alone refused it.

        A gate that has no answer within 400 ms decides by what it holds itself, and on a busy machine that may be no
        list with a fresh pass yet, or no keys of the day. Only the server's refusal is final.
        """

        async def show() -> Presented:
            shown = await present(self.control, gate, token, direction)
            assert shown.verdict == "admit" or shown.source == "online", shown
            return shown

        return await eventually(show, PATIENCE_S)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """Ask the house's database."""
        engine = create_async_engine((self.data / "run" / "database.url").read_text())
        try:
            async with engine.connect() as connection:
                return list((await connection.execute(text(query), values)).all())
        finally:
            await engine.dispose()


async def run(*words: str, environment: Mapping[str, str]) -> Answer:
    """Run a program to its end."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd=ROOT,
    )
    async with asyncio.timeout(UP_WITHIN_S):
        printed, complained = await process.communicate()
    assert process.returncode is not None
    return Answer(process.returncode, printed.decode(), complained.decode())


@asynccontextmanager
async def own_house(*, demo: bool = True, **settings: str) -> AsyncIterator[House]:
    """A house of a test's own that is not up yet; whatever is left of it is ended afterwards."""
    with short_folder() as folder:
        house = House(folder / "var", demo=demo, settings=settings)
        try:
            yield house
        finally:
            await house.end()


@asynccontextmanager
async def running_house(*, demo: bool = True, **settings: str) -> AsyncIterator[House]:
    """A house that is up."""
    async with own_house(demo=demo, **settings) as house:
        await house.up()
        yield house


class Person:
    """Somebody who signed in, and calls the API."""

    def __init__(self, http: httpx2.AsyncClient, tokens: dict[str, Any]) -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {tokens['accessToken']}"}

    async def get(self, path: str, **query: Any) -> Any:
        """Read something."""
        answer = await self.http.get(path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int = 201, key: str = "") -> Any:
        """Do something; again with the same key it is not done again."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        answer = await self.http.post(path, json=body or {}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def put(self, path: str, body: Any) -> Any:
        """Change something."""
        answer = await self.http.put(path, json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def expect_guest(self, name: str, **members: Any) -> dict[str, Any]:
        """Ask for a guest pass that is good now."""
        body = {"guestName": name, **window(), **members}
        made: dict[str, Any] = await self.post("/api/guest-passes", body)
        return made


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the house's API."""
    async with httpx2.AsyncClient(base_url=house.url, trust_env=False, timeout=PATIENCE_S) as http:
        yield http


async def sign_in(http: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> Person:
    """Sign in as curl would."""
    body = json.dumps({"email": email, "password": password})
    headers = {"Content-Type": "application/json"}
    answer = await http.post("/api/auth/login", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return Person(http, answer.json())


def window(start: timedelta = timedelta(minutes=-1), lasts: timedelta = timedelta(hours=2)) -> dict[str, str]:
    """When a guest may come, as members of a request."""
    begins = datetime.now(UTC) + start
    return {"start": begins.isoformat(), "end": (begins + lasts).isoformat()}
