"""A hub of partner namespaces alone, put together by what puts the house's hub together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from channels.broker import Broker
from channels.namespaces import Namespaces
from channels.tokens import FixedKeys, Tokens
from server.fanout import Hub
from server.overview import Overview
from server.partners import PartnerHost
from server.realtime import Partners, Realtime, realtime
from tests.sdk_profile.profiles import API_KEY, SECRET

VERSION = "0.1.0"


def hub_of(
    broker: Broker, profile: object, *, api_key: str | None = API_KEY, host: PartnerHost | None = None
) -> tuple[Starlette, Realtime]:
    """Return the application of a hub, which runs it while it lives, and the hub."""
    namespaces = Namespaces.of(profile)
    host = host or PartnerHost(namespaces, Tokens(FixedKeys(secret=SECRET)))
    overview = Overview(broker)
    parts = realtime(Hub(broker), host, overview, Partners(host, api_key), version=VERSION)

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        running = [asyncio.create_task(part) for part in (parts.run(), overview.run())]
        try:
            yield
        finally:
            await parts.hub.shutdown(1.0)
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    app = Starlette(routes=list(parts.routes), lifespan=live)
    app.state.drain, app.state.door = parts.hub.shutdown, parts.door
    return app, parts
