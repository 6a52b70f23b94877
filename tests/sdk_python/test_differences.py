"""centrifuge-python puts differences together, beside others that read everything whole.

Proves: channels/delta.py, channels/broadcast.py
"""

from typing import Any

from centrifuge import DeltaType

from tests.sdk_hub import SdkHub, unique
from tests.sdk_python.clients import away, connected, follow

PLACE = {"gate": "north", "people": list(range(50)), "state": "online"}


async def test_differences_are_put_together(hub: SdkHub, protobuf: bool):
    channel, user = unique("delta"), unique()
    states: list[Any] = [{**PLACE, "state": f"state {number}"} for number in range(6)]
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel, delta=DeltaType.FOSSIL)
        await hub.publish(channel, *states[:3])
        await diary.next("publication", 3)
        assert [context.pub.delta for context in diary.of("publication")] == [False, True, True]
        async with away(client):
            await hub.publish(channel, *states[3:5])
        await diary.next("publication", 5)
        await hub.publish(channel, states[5])
        await diary.next("publication", 6)
        assert diary.data == states


async def test_who_does_not_ask_for_differences_reads_everything_whole(hub: SdkHub, protobuf: bool):
    channel = unique("delta")
    async with connected(hub, use_protobuf=protobuf) as (client, _), connected(hub) as (other, _):
        await follow(other, channel, delta=DeltaType.FOSSIL)
        _, diary = await follow(client, channel)
        await hub.publish(channel, PLACE, {**PLACE, "state": "offline"})
        await diary.next("publication", 2)
        assert diary.data == [PLACE, {**PLACE, "state": "offline"}]
