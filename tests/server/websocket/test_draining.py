"""A hub that ends lets what is under way come to its end, though the client is sent to another hub.

Proves: server/fanout.py, server/websocket/work.py
"""

import asyncio

from websockets.asyncio.client import connect

from channels.memory import MemoryBroker
from tests.eventually import eventually
from tests.hub_host import serving
from tests.server.websocket.test_connection import end_of, hear, talk


async def test_a_running_call_is_done_before_the_hub_has_ended() -> None:
    async with serving(MemoryBroker()) as running, connect(running.url, proxy=None) as socket:
        call = {"id": 2, "rpc": {"method": "patient", "data": 1}}
        await talk(socket, {"id": 1, "connect": {"token": "anna"}}, call)
        await hear(socket)
        await eventually(lambda: running.host.noted == ["patient"])

        ending = asyncio.create_task(running.hub.shutdown(within_s=30))
        await end_of(socket)
        assert socket.close_code == 3001
        await eventually(lambda: running.hub.connections == 0)
        assert not ending.done()

        running.host.released.set()
        await ending
        assert running.host.noted == ["patient", "patient"]
