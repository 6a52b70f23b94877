"""A small client in MessagePack connects, publishes bytes, recovers, sees who is there, reads differences.

Proves: channels/protocol/messagepack.py, server/websocket/handshake.py
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels import delta
from channels.limits import Limits
from channels.memory import MemoryBroker
from tests.eventually import eventually
from tests.hub_host import serving
from tests.sdk_hub import SdkHub, sdk_hub, token, unique
from tests.sdk_msgpack.client import Ended, MessagePackClient, Refused, connected


@pytest.fixture(scope="module")
async def hub() -> AsyncIterator[SdkHub]:
    async with sdk_hub() as served:
        yield served


async def next_push(client: MessagePackClient, kind: str) -> dict[str, Any]:
    """Return the next push of a kind; others are passed over."""
    async with asyncio.timeout(5):
        while kind not in (push := await client.pushes.get()):
            pass
        found: dict[str, Any] = push[kind]
        return found


async def test_a_token_tells_who_connects(hub: SdkHub):
    user = unique()
    async with connected(hub.socket_url, token=token(user)) as (client, result):
        assert result["client"] and result["version"] and result["pong"] is True
        answer = await client.ask("rpc", method="who", data=b"{}")
        assert json.loads(answer["data"]) == {"user": user}


async def test_bytes_are_published_and_read_as_they_are(hub: SdkHub):
    channel = unique("plain")
    async with (
        connected(hub.socket_url, token=token("one")) as (one, _),
        connected(hub.socket_url, token=token("other")) as (other, _),
    ):
        for client in (one, other):
            await client.ask("subscribe", channel=channel)
        assert await one.ask("publish", channel=channel, data=b"\xff\x00" * 200) == {}
        pub = await next_push(other, "pub")
        assert (pub["data"], pub["info"]["user"]) == (b"\xff\x00" * 200, "one")


async def test_what_was_missed_is_recovered(hub: SdkHub):
    channel = unique()
    async with connected(hub.socket_url, token=token("7")) as (client, _):
        position = await client.ask("subscribe", channel=channel)
    await hub.publish(channel, 1, 2)
    async with connected(hub.socket_url, token=token("7")) as (client, _):
        result = await client.ask(
            "subscribe",
            channel=channel,
            recover=True,
            offset=position.get("offset", 0),
            epoch=position["epoch"],
        )
        assert result["recovered"] is True
        assert [(pub["data"], pub["offset"]) for pub in result["publications"]] == [(b"1", 1), (b"2", 2)]


async def test_who_is_there_is_told_with_what_their_tokens_say(hub: SdkHub):
    channel = unique()
    async with connected(hub.socket_url, token=token("7", info={"name": "Ada"})) as (client, result):
        await client.ask("subscribe", channel=channel)
        present = (await client.ask("presence", channel=channel))["presence"]
        assert present == {
            result["client"]: {"user": "7", "client": result["client"], "conn_info": b'{"name":"Ada"}'}
        }
        counted = await client.ask("presence_stats", channel=channel)
        assert counted == {"num_clients": 1, "num_users": 1}


async def test_the_server_speaks_to_one_connection_and_subscribes_it(hub: SdkHub):
    user, channel = unique(), unique("plain")
    async with connected(hub.socket_url, token=token(user)) as (client, _):
        hub.hub.message(b'{"text":"to you alone"}', user=user)
        assert await next_push(client, "message") == {"data": b'{"text":"to you alone"}'}
        await hub.api("subscribe", user=user, channel=channel, data={"seat": 7})
        assert await next_push(client, "subscribe") == {"data": b'{"seat":7}'}
        await hub.publish(channel, "hello")
        assert (await next_push(client, "pub"))["data"] == b'"hello"'


async def test_differences_are_bytes(hub: SdkHub):
    channel = unique("delta")
    states = [f"the state of this place is number {number}, and no other" for number in range(4)]
    async with connected(hub.socket_url, token=token("7")) as (client, _):
        result = await client.ask("subscribe", channel=channel, delta="fossil")
        assert result["delta"] is True
        await hub.publish(channel, *states)
        base = b""
        for number, state in enumerate(states):
            pub = await next_push(client, "pub")
            assert pub.get("delta", False) is (number > 0)
            base = delta.apply(base, pub["data"]) if number else pub["data"]
            assert json.loads(base) == state


async def test_a_refusal_has_code_and_words(hub: SdkHub):
    async with connected(hub.socket_url, token=token("7")) as (client, _):
        with pytest.raises(Refused) as refused:
            await client.ask("subscribe", channel="closed:a")
        assert refused.value.args == (103, "permission denied")


async def test_a_payload_that_is_no_bytes_closes_for_good(hub: SdkHub):
    async with connected(hub.socket_url, token=token("7")) as (client, _):
        with pytest.raises(Ended) as ended:
            await client.ask("rpc", method="echo", data="a text")
        assert ended.value.args == (3501, "bad request")


async def test_pings_are_answered():
    limits = Limits(ping_s=0.05, pong_s=0.5)
    async with serving(MemoryBroker(), limits) as running, connected(running.url, token="ada") as (client, _):
        await eventually(lambda: client.pings > 15)
        assert await client.ask("rpc", method="echo", data=b"still here") == {"data": b"still here"}
