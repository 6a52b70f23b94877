"""Followers are counted at all hubs that answer; `tests/server/api/test_cent.py` counts at two."""

import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from channels.memory import MemoryBroker
from channels.protocol.messages import ClientInfo, payload
from server.census import Census
from server.hub_numbers import HubNumbers
from server.overview import CHANNEL, Overview, Report
from tests.partner_hub import PartnerHub, Watcher, client, follow, partner_hub


@pytest.fixture
async def hub() -> AsyncIterator[PartnerHub]:
    async with partner_hub(MemoryBroker()) as one:
        yield one


def census(hub: PartnerHub) -> Census:
    return Census(hub.broker, hub.parts.hub, hub.parts.control, Overview(hub.broker))


async def test_a_hub_that_does_not_answer_is_left_out(hub: PartnerHub):
    killed = Report(uid="killed", name="a:1", began=time.time(), at=time.time(), numbers=HubNumbers())
    card = ClientInfo(user="a:1", client="killed", conn_info=payload(msgspec.json.encode(killed)))
    await hub.broker.arrive(CHANNEL, card)
    async with client(hub) as ann:
        await follow(ann, "chat:1", Watcher())
        began = time.monotonic()
        assert await census(hub).take("chat:*") == {"chat:1": 1}
        assert time.monotonic() - began < 5


async def test_a_pattern_chooses_channels(hub: PartnerHub):
    async with client(hub) as ann:
        for channel in ("chat:1", "chat:22", "news"):
            await follow(ann, channel, Watcher())
        counting = census(hub)
        for pattern, found in (
            ("chat:*", {"chat:1", "chat:22"}),
            ("chat:?", {"chat:1"}),
            ("news", {"news"}),
            ("nothing", set()),
        ):
            assert set(await counting.take(pattern)) == found
