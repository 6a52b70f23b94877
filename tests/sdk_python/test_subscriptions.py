"""centrifuge-python follows channels: by token or right, seeing others, until it or the server ends it.

Proves: channels/subscribing.py, channels/following.py, channels/inquiries.py, channels/publishing.py
"""

from typing import Any

import pytest
from centrifuge import Filter, ReplyError

from tests.eventually import eventually
from tests.sdk_hub import SdkHub, token, unique
from tests.sdk_python.clients import Diary, connected, follow, read, written


async def test_what_one_publishes_others_read_with_the_publisher_named(hub: SdkHub, protobuf: bool):
    channel, user = unique(), unique()
    async with (
        connected(hub, user=user, use_protobuf=protobuf) as (writer, _),
        connected(hub, use_protobuf=not protobuf) as (reader, _),
    ):
        mine, _ = await follow(writer, channel)
        _, diary = await follow(reader, channel)
        await mine.publish(written({"n": 1}, protobuf))
        pub = (await diary.next("publication")).pub
        assert (read(pub.data), pub.offset, pub.info.user) == ({"n": 1}, 1, user)


async def test_tags_come_with_a_publication(hub: SdkHub, protobuf: bool):
    channel = unique()
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        await hub.api("publish", channel=channel, data=1, tags={"lang": "en"})
        assert (await diary.next("publication")).pub.tags == {"lang": "en"}


async def test_history_is_read_back_in_both_directions(hub: SdkHub, protobuf: bool):
    channel = unique()
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        subscription, _ = await follow(client, channel)
        await hub.publish(channel, 1, 2, 3, 4)
        position = await subscription.history(limit=0)
        assert (position.offset, position.publications) == (4, [])
        everything = await subscription.history(limit=-1)
        assert [read(pub.data) for pub in everything.publications] == [1, 2, 3, 4]
        newest = await subscription.history(limit=2, reverse=True)
        assert [read(pub.data) for pub in newest.publications] == [4, 3]


async def test_presence_and_stats_tell_who_is_there(hub: SdkHub, protobuf: bool):
    channel, user = unique(), unique()
    async with (
        connected(hub, user=user, use_protobuf=protobuf) as (one, diary),
        connected(hub, user=user, use_protobuf=not protobuf) as (other, _),
    ):
        subscription, _ = await follow(one, channel)
        await follow(other, channel)
        present = (await subscription.presence()).clients
        mine = (await diary.next("connected")).client
        assert len(present) == 2 and present[mine].user == user
        stats = await subscription.presence_stats()
        assert (stats.num_clients, stats.num_users) == (2, 1)


async def test_joining_and_leaving_is_told(hub: SdkHub, protobuf: bool):
    channel, user = unique(), unique()
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        async with connected(hub, user=user, use_protobuf=not protobuf) as (other, _):
            await follow(other, channel)
            await eventually(lambda: user in [context.info.user for context in diary.of("join")])
        assert (await diary.next("leave")).info.user == user


async def test_joining_and_leaving_is_told_to_who_wishes_it(hub: SdkHub, protobuf: bool):
    channel = unique("wish")
    async with connected(hub, use_protobuf=protobuf) as (client, _), connected(hub) as (other, _):
        _, wishing = await follow(client, channel, join_leave=True)
        subscription, quiet = await follow(other, channel)
        await wishing.next("join", 2)
        await subscription.unsubscribe()
        await wishing.next("leave")
        assert quiet.of("join") == quiet.of("leave") == []


async def test_a_private_channel_is_opened_by_a_token(hub: SdkHub, protobuf: bool):
    channel, user = f"${unique()}", unique()

    async def get_token(channel: str) -> str:
        return token(user, channel=channel, info={"seat": 7})

    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        subscription, _ = await follow(client, channel, get_token=get_token)
        (info,) = (await subscription.presence()).clients.values()
        assert read(info.chan_info) == {"seat": 7}


@pytest.mark.parametrize(
    ("channel", "claims", "code"),
    [
        ("$private", None, 103),
        ("$private", {"secret": "another secret, also long enough"}, 103),
        ("closed:a", None, 103),
        ("nowhere:a", None, 102),
        ("#somebody-else", None, 103),
    ],
)
async def test_who_may_not_follow_is_told_for_good(
    hub: SdkHub, protobuf: bool, channel: str, claims: dict[str, Any] | None, code: int
):
    user = unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        diary = Diary()
        given = "" if claims is None else token(user, channel=channel, **claims)
        await client.new_subscription(channel, events=diary, token=given).subscribe()
        assert (await diary.next("unsubscribed")).code == code


async def test_a_token_for_another_channel_ends_the_connection(hub: SdkHub, protobuf: bool):
    user = unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, diary):
        await client.new_subscription("$this", token=token(user, channel="$other")).subscribe()
        assert (await diary.next("disconnected")).code == 3500


async def test_an_expired_token_is_replaced_and_later_renewed(hub: SdkHub, protobuf: bool):
    channel, user, asked = f"${unique()}", unique(), []

    async def get_token(channel: str) -> str:
        asked.append(channel)
        return token(user, channel=channel, lasts_s=2 if len(asked) < 2 else 600)

    old = token(user, channel=channel, lasts_s=-1)
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel, token=old, get_token=get_token)
        await eventually(lambda: asked == [channel, channel])
        assert diary.of("unsubscribed") == []


async def test_the_client_ends_a_subscription_and_begins_it_again(hub: SdkHub, protobuf: bool):
    channel = unique("plain")
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        subscription, diary = await follow(client, channel)
        await subscription.unsubscribe()
        await hub.publish(channel, "nobody reads this")
        await subscription.subscribe()
        await diary.next("subscribed", 2)
        await hub.publish(channel, "read")
        await diary.next("publication")
        assert diary.data == ["read"]


async def test_the_back_end_ends_a_subscription_for_good(hub: SdkHub, protobuf: bool):
    channel, user = unique(), unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, _):
        _, diary = await follow(client, channel)
        await hub.api("unsubscribe", user=user, channel=channel)
        assert (await diary.next("unsubscribed")).code == 2000


async def test_what_a_namespace_does_not_offer_is_not_available(hub: SdkHub, protobuf: bool):
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        subscription, _ = await follow(client, unique("plain"))
        for question in (subscription.history, subscription.presence, subscription.presence_stats):
            with pytest.raises(ReplyError) as refused:
                await question()
            assert refused.value.code == 108


async def test_filters_by_tags_are_refused(hub: SdkHub, protobuf: bool):
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        diary = Diary()
        wish = Filter.eq("lang", "en")
        await client.new_subscription(unique(), events=diary, tags_filter=wish).subscribe()
        assert (await diary.next("unsubscribed")).code == 107


async def test_bytes_that_are_no_json_close_readers_of_json_and_reach_the_others(hub: SdkHub):
    channel = unique("plain")
    async with (
        connected(hub, use_protobuf=True) as (writer, _),
        connected(hub) as (reader, ended),
        connected(hub) as (other, ended_too),
        connected(hub, use_protobuf=True) as (bytes_reader, _),
    ):
        mine, _ = await follow(writer, channel)
        _, diary = await follow(bytes_reader, channel)
        for one in (reader, other):
            await follow(one, channel)
        await mine.publish(b"1")
        await diary.next("publication")
        await mine.publish(b"\xff\x00")
        assert (await diary.next("publication", 2)).pub.data == b"\xff\x00"
        for end in (ended, ended_too):
            assert (await end.next("disconnected")).code == 3506
