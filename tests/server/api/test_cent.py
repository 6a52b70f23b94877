"""A back end rules both of two hubs through one, with the unmodified client it would use.

Proves: server/api/methods.py, server/api/channels.py, server/api/connections.py, server/api/requests.py
"""

import time
from typing import Any

import pytest
from cent import (
    AsyncClient,
    BatchRequest,
    BoolValue,
    BroadcastRequest,
    CentApiResponseError,
    CentUnauthorizedError,
    ChannelOptionsOverride,
    ChannelsRequest,
    Disconnect,
    DisconnectRequest,
    HistoryRemoveRequest,
    HistoryRequest,
    InfoRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
)

from tests.eventually import eventually
from tests.partner_hub import PartnerHub, Watcher, client, follow
from tests.redis_server import RedisServer

Hubs = tuple[PartnerHub, PartnerHub]


async def test_a_publication_reaches_followers_at_every_hub(hubs: Hubs, back_end: AsyncClient):
    here, there = Watcher(), Watcher()
    async with client(hubs[0]) as one, client(hubs[1]) as other:
        await follow(one, "chat:1", here)
        await follow(other, "chat:1", there)
        done = await back_end.publish(PublishRequest(channel="chat:1", data={"n": 1}, tags={"by": "shop"}))
        assert done.offset == 1 and done.epoch
        await eventually(lambda: [data for _, data in here.publications] == [{"n": 1}])
        await eventually(lambda: [data for _, data in there.publications] == [{"n": 1}])
        assert here.tags == there.tags == [{"by": "shop"}]


async def test_what_was_published_can_be_read_back(back_end: AsyncClient):
    for number in range(3):
        await back_end.publish(PublishRequest(channel="chat:1", data=number))
    every = await back_end.history(HistoryRequest(channel="chat:1", limit=-1))
    assert [(one.offset, one.data) for one in every.publications] == [(1, 0), (2, 1), (3, 2)]
    after = HistoryRequest(channel="chat:1", limit=1, since=StreamPosition(offset=1, epoch=every.epoch))
    assert [one.data for one in (await back_end.history(after)).publications] == [1]
    newest = await back_end.history(HistoryRequest(channel="chat:1", limit=1, reverse=True))
    assert [one.data for one in newest.publications] == [2]
    position = await back_end.history(HistoryRequest(channel="chat:1"))
    assert (position.offset, position.epoch, position.publications) == (3, every.epoch, [])
    await back_end.history_remove(HistoryRemoveRequest(channel="chat:1"))
    left = await back_end.history(HistoryRequest(channel="chat:1", limit=-1))
    assert (left.offset, left.publications) == (3, [])


async def test_a_publication_that_comes_twice_counts_once(back_end: AsyncClient):
    request = PublishRequest(channel="chat:1", data=1, idempotency_key="order-7")
    assert await back_end.publish(request) == await back_end.publish(request)
    assert (await back_end.history(HistoryRequest(channel="chat:1"))).offset == 1


async def test_an_older_version_is_not_published(back_end: AsyncClient):
    for version in (2, 1, 3):
        await back_end.publish(
            PublishRequest.model_validate({"channel": "chat:1", "data": version, "version": version})
        )
    found = await back_end.history(HistoryRequest(channel="chat:1", limit=-1))
    assert [one.data for one in found.publications] == [2, 3]


async def test_what_is_not_to_be_remembered_is_not(back_end: AsyncClient):
    await back_end.publish(PublishRequest(channel="chat:1", data=1, skip_history=True))
    assert (await back_end.history(HistoryRequest(channel="chat:1", limit=-1))).publications == []


async def test_bytes_go_as_base64(back_end: AsyncClient):
    await back_end.publish(PublishRequest(channel="chat:1", data=None, b64data="eyJhIjoxfQ=="))
    found = await back_end.history(HistoryRequest(channel="chat:1", limit=-1))
    assert found.publications[0].data == {"a": 1}


async def test_each_channel_of_a_broadcast_answers_for_itself(back_end: AsyncClient):
    done = await back_end.broadcast(BroadcastRequest(channels=["chat:1", "nowhere:1", "chat:2"], data=1))
    outcomes = [one.error or one.result for one in done.responses]
    assert [getattr(one, "offset", None) or getattr(one, "code", None) for one in outcomes] == [1, 102, 1]


async def test_who_is_present_is_seen_from_any_hub(hubs: Hubs, back_end: AsyncClient):
    async with client(hubs[0]) as one, client(hubs[1], info={"name": "Ann"}) as other:
        for follower in (one, other):
            await follow(follower, "chat:1", Watcher())
        present = (await back_end.presence(PresenceRequest(channel="chat:1"))).presence
        assert {(info.user, str(info.conn_info)) for info in present.values()} == {
            ("ann", "None"),
            ("ann", "{'name': 'Ann'}"),
        }
        counted = await back_end.presence_stats(PresenceStatsRequest(channel="chat:1"))
        assert (counted.num_clients, counted.num_users) == (2, 1)


async def test_somebody_at_another_hub_is_subscribed_and_unsubscribed(hubs: Hubs, back_end: AsyncClient):
    seen = Watcher()
    async with client(hubs[1], "bob", seen):
        await eventually(lambda: seen.subscribed == ["own:#bob"])
        request = SubscribeRequest(
            user="bob",
            channel="own:news",
            data={"hello": "bob"},
            info={"role": "guest"},
            override=ChannelOptionsOverride(presence=BoolValue(value=True)),
        )
        await back_end.subscribe(request)
        await eventually(lambda: seen.subscribed == ["own:#bob", "own:news"])
        assert seen.data[-1] == {"hello": "bob"}
        present = (await back_end.presence(PresenceRequest(channel="own:news"))).presence
        assert [info.chan_info for info in present.values()] == [{"role": "guest"}]
        await back_end.publish(PublishRequest(channel="own:news", data=1))
        await eventually(lambda: seen.publications == [("own:news", 1)])
        await back_end.unsubscribe(UnsubscribeRequest(user="bob", channel="own:news"))
        await eventually(lambda: len(seen.unsubscribed) == 1)


async def test_a_server_side_subscription_goes_on_from_a_position(hubs: Hubs, back_end: AsyncClient):
    seen = Watcher()
    first = await back_end.publish(PublishRequest(channel="own:news", data=1))
    await back_end.publish(PublishRequest(channel="own:news", data=2))
    async with client(hubs[1], "bob", seen):
        since = StreamPosition(offset=1, epoch=first.epoch)
        await back_end.subscribe(SubscribeRequest(user="bob", channel="own:news", recover_since=since))
        await eventually(lambda: seen.publications == [("own:news", 2)])


async def test_somebody_is_disconnected_wherever_they_are(hubs: Hubs, back_end: AsyncClient):
    here, there, other = Watcher(), Watcher(), Watcher()
    async with client(hubs[0], "bob", here), client(hubs[1], "bob", there), client(hubs[1], "eve", other):
        await back_end.disconnect(DisconnectRequest(user="bob"))
        await eventually(lambda: here.disconnected == there.disconnected == [3503])
        assert not other.disconnected


async def test_a_connection_may_be_told_from_others_of_the_same_user(hubs: Hubs, back_end: AsyncClient):
    kept, sent, last = Watcher(), Watcher(), Watcher()
    async with (
        client(hubs[0], "bob", kept),
        client(hubs[1], "bob", sent),
        client(hubs[1], "bob", last, jti="tablet"),
    ):
        await back_end.disconnect(
            DisconnectRequest(user="bob", session="tablet", disconnect=Disconnect(code=4500, reason="lost"))
        )
        await eventually(lambda: last.disconnected == [4500])
        await back_end.disconnect(DisconnectRequest(user="bob", whitelist=[kept.client]))
        await eventually(lambda: sent.disconnected == [3503])
        assert not kept.disconnected


async def test_a_connection_ends_when_the_back_end_says_so(hubs: Hubs, back_end: AsyncClient):
    seen = Watcher()
    async with client(hubs[1], "bob", seen):
        await back_end.refresh(RefreshRequest(user="bob", expire_at=int(time.time()) + 60))
        await back_end.refresh(RefreshRequest(user="bob", expired=True))
        await eventually(lambda: 3005 in seen.connecting)


async def test_channels_are_counted_at_all_hubs(hubs: Hubs, back_end: AsyncClient):
    async with client(hubs[0]) as one, client(hubs[1]) as other:
        for follower in (one, other):
            await follow(follower, "chat:1", Watcher())
        await follow(other, "chat:2", Watcher())
        found = (await back_end.channels(ChannelsRequest())).channels
        assert {name: info.num_clients for name, info in found.items()} == {
            "chat:1": 2,
            "chat:2": 1,
            "own:#ann": 2,
        }
        some = (await back_end.channels(ChannelsRequest(pattern="chat:*"))).channels
        assert set(some) == {"chat:1", "chat:2"}


async def test_every_hub_is_listed(hubs: Hubs, back_end: AsyncClient):
    async with client(hubs[1]):

        async def clients() -> bool:
            nodes = (await back_end.info(InfoRequest())).nodes
            return sorted(node.num_clients for node in nodes) == [0, 1]

        await eventually(clients)
        nodes = (await back_end.info(InfoRequest())).nodes
        assert len({node.uid for node in nodes}) == 2 and all(node.version for node in nodes)


async def test_several_commands_go_at_once(back_end: AsyncClient):
    for parallel in (False, True):
        done = await back_end.batch(
            BatchRequest(
                requests=[
                    PublishRequest(channel="chat:1", data=1),
                    PresenceStatsRequest(channel="chat:1"),
                    InfoRequest(),
                ],
                parallel=parallel,
            )
        )
        replies: list[Any] = [*done.replies]
        assert replies[0].offset in (1, 2) and replies[1].num_clients == 0


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("publish", PublishRequest(channel="nowhere:1", data=1), 102),
        ("publish", PublishRequest(channel="&control", data=1), 107),
        ("publish", PublishRequest(channel="чат", data=1), 107),
        ("publish", PublishRequest(channel="", data=1), 107),
        ("publish", PublishRequest(channel="chat:1", data=None), 107),
        ("publish", PublishRequest(channel="chat:1", data=None, b64data="?"), 107),
        ("history", HistoryRequest(channel="pair:1", limit=1), 108),
        ("history", HistoryRequest(channel="chat:1", since=StreamPosition(offset=1, epoch="x")), 112),
        ("history", HistoryRequest(channel="chat:1", since=StreamPosition(), reverse=True), 107),
        ("history_remove", HistoryRemoveRequest(channel="pair:1"), 108),
        ("presence", PresenceRequest(channel="pair:1"), 108),
        ("presence_stats", PresenceStatsRequest(channel="pair:1"), 108),
        ("subscribe", SubscribeRequest(user="bob", channel="nowhere:1"), 102),
        ("unsubscribe", UnsubscribeRequest(user="", channel="chat:1"), 107),
        ("disconnect", DisconnectRequest(user=""), 107),
        ("disconnect", DisconnectRequest(user="bob", disconnect=Disconnect(code=1000)), 107),
    ],
)
async def test_what_cannot_be_done_is_refused_by_its_code(back_end: AsyncClient, method, request_, code):
    with pytest.raises(CentApiResponseError) as refusal:
        await getattr(back_end, method)(request_)
    assert refusal.value.code == code


async def test_without_the_key_nothing_is_done(hubs: Hubs):
    for key in ("", "another key"):
        async with AsyncClient(hubs[0].api, key) as stranger:
            with pytest.raises(CentUnauthorizedError):
                await stranger.publish(PublishRequest(channel="chat:1", data=1))


async def test_while_redis_is_away_nothing_is_promised(
    redis_server: RedisServer, hubs: Hubs, back_end: AsyncClient
):
    redis_server.kill()
    try:
        for method, request in (
            ("disconnect", DisconnectRequest(user="bob")),
            ("publish", PublishRequest(channel="chat:1", data=1)),
            ("channels", ChannelsRequest()),
            ("info", InfoRequest()),
        ):
            with pytest.raises(CentApiResponseError) as refusal:
                await getattr(back_end, method)(request)
            assert refusal.value.code == 100
    finally:
        redis_server.start()
