"""centrifuge-python comes back and recovers, loads its state where it cannot, reads the latest.

Proves: channels/positioning.py, channels/recovery.py
"""

import pytest
from centrifuge import StreamPosition

from tests.sdk_hub import SdkHub, unique
from tests.sdk_python.clients import away, connected, follow


async def test_a_client_that_was_away_is_given_what_it_missed(hub: SdkHub, protobuf: bool):
    channel, user = unique(), unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        await hub.publish(channel, 1)
        await diary.next("publication")
        async with away(client):
            await hub.publish(channel, 2, 3, 4)
        again = await diary.next("subscribed", 2)
        assert again.was_recovering and again.recovered
        await hub.publish(channel, 5)
        await diary.next("publication", 5)
        assert diary.data == [1, 2, 3, 4, 5]


async def test_what_history_has_forgotten_is_not_recovered_in_part(hub: SdkHub, protobuf: bool):
    channel, user = unique("short"), unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        async with away(client):
            await hub.publish(channel, 1, 2, 3)
        again = await diary.next("subscribed", 2)
        assert again.was_recovering and not again.recovered
        assert again.stream_position.offset == 3
        assert diary.data == []


async def test_state_is_loaded_anew_only_where_it_cannot_be_recovered(hub: SdkHub, protobuf: bool):
    channel, user = unique("short"), unique()
    loaded: list[int] = []

    async def load(channel: str) -> StreamPosition:
        top = await hub.api("history", channel=channel, limit=0)
        loaded.append(top["offset"])
        return StreamPosition(offset=top["offset"], epoch=top["epoch"])

    await hub.publish(channel, 1, 2, 3)
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel, get_state=load)
        assert loaded == [3]
        for number, missed in ((2, [4, 5]), (3, [6, 7, 8])):
            async with away(client):
                await hub.publish(channel, *missed)
            await diary.next("subscribed", number)
        assert loaded == [3, 8]
        assert diary.data == [4, 5]


@pytest.mark.parametrize("wish", ["recoverable", "positioned"])
async def test_where_it_is_not_forced_a_position_is_the_clients_wish(hub: SdkHub, protobuf: bool, wish: str):
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, unique("wish"), **{wish: True})
        context = await diary.next("subscribed")
        assert (context.recoverable, context.positioned) == (wish == "recoverable", True)
        _, without = await follow(client, unique("wish"))
        context = await without.next("subscribed")
        assert (context.recoverable, context.positioned) == (False, False)


async def test_a_channel_in_cache_mode_gives_the_latest_to_who_comes_back(hub: SdkHub, protobuf: bool):
    channel, user = unique("latest"), unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        async with away(client):
            await hub.publish(channel, 1, 2, 3)
        again = await diary.next("subscribed", 2)
        assert again.recovered
        await diary.next("publication")
        assert diary.data == [3]


async def test_a_personal_channel_is_followed_from_the_start_and_recovered(hub: SdkHub, protobuf: bool):
    user = unique()
    channel = f"#{user}"
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, diary):
        assert (await diary.next("subscribed")).channel == channel
        await hub.publish(channel, 1)
        await diary.next("publication")
        async with away(client):
            await hub.publish(channel, 2)
        assert (await diary.next("subscribed", 2)).recovered
        await diary.next("publication", 2)
        assert diary.data == [1, 2]


async def test_the_back_end_subscribes_and_unsubscribes_a_client(hub: SdkHub, protobuf: bool):
    user, channel = unique(), unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (_, diary):
        await hub.api("subscribe", user=user, channel=channel)
        assert (await diary.next("subscribed", 2)).channel == channel
        await hub.publish(channel, "hello")
        assert (await diary.next("publication")).channel == channel
        await hub.api("unsubscribe", user=user, channel=channel)
        assert (await diary.next("unsubscribed")).channel == channel
