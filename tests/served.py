"""A whole server for a test: over a real database and a real socket, with people to call it."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette

from channels.broker import Broker
from channels.memory import MemoryBroker
from domain.catalogue import CATALOGUE
from domain.kernel.caller import SERVICE
from domain.kernel.contexts import Catalogue
from domain.kernel.database import connect
from server.app import build
from server.process import Process, compose
from tests.eventually import eventually
from tests.toy import tools

PASSWORD = "a password of tests"


@dataclass
class Served:
    """What a test holds of it."""

    process: Process
    app: Starlette
    url: str
    http: httpx2.AsyncClient

    async def sign_up(self, name: str = "") -> dict[str, str]:
        """Register somebody and return the headers of their calls."""
        name = name or f"u{secrets.token_hex(6)}"
        person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.http.post("/auth/register", json={**person, "first_name": "A", "last_name": "B"})
        assert answer.status_code == 201, answer.text
        return await self.sign_in(f"{name}@example.com")

    async def admin(self) -> dict[str, str]:
        """Make an admin and return the headers of their calls."""
        name = f"a{secrets.token_hex(6)}"
        person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await self.process.runtime.call(SERVICE, "identity.create_admin", person)
        return await self.sign_in(f"{name}@example.com")

    async def sign_in(self, email: str) -> dict[str, str]:
        """Return the headers of somebody's calls."""
        return {"Authorization": f"Bearer {(await self.tokens(email))['accessToken']}"}

    async def tokens(self, email: str) -> dict[str, Any]:
        """Return what signing in gives."""
        answer = await self.http.post("/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def served_house(
    database: str,
    *,
    catalogue: Catalogue = CATALOGUE,
    broker: Broker | None = None,
    dashboard: Path = Path("/nonexistent"),
    **settings: Any,
) -> AsyncIterator[Served]:
    """Serve a house on a free port until the block ends."""
    engine = connect(database)
    process = compose(
        catalogue=catalogue,
        engine=engine,
        broker=broker or MemoryBroker(),
        tools=tools(random_bytes=os.urandom),
    )
    app = build(process, dashboard=dashboard, **settings)
    try:
        async with serving(app) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            yield Served(process, app, url, http)
    finally:
        await engine.dispose()


class Server(uvicorn.Server):
    """Leaves the signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serve an application on a free port and give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=app.state.door.protocol,
            ws="websockets-sansio",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
        server = Server(config)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(server.serve(sockets=[listening]))
            await eventually(lambda: server.started or running.done())
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
