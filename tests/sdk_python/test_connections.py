"""centrifuge-python connects, is refused, goes on by new tokens, is told to leave; in JSON and Protobuf.

Proves: channels/connecting.py, server/websocket/, server/partners.py
"""

from typing import Any

import pytest
from centrifuge import Client, ReplyError

from tests.eventually import eventually
from tests.sdk_hub import SdkHub, token, unique
from tests.sdk_python.clients import Diary, connected, read, written


async def test_a_token_tells_who_connects(hub: SdkHub, protobuf: bool):
    user = unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (client, diary):
        context = await diary.next("connected")
        assert context.client and context.version
        assert read((await client.rpc("who", b"{}" if protobuf else {})).data) == {"user": user}


@pytest.mark.parametrize(
    ("wrong", "code"), [({"secret": "another secret, also long enough"}, 3500), ({"channel": "a"}, 3500)]
)
async def test_a_wrong_token_is_final(hub: SdkHub, protobuf: bool, wrong: dict[str, Any], code: int):
    diary = Diary()
    client = Client(
        hub.socket_url, events=diary, token=token("7", **wrong), use_protobuf=protobuf, proxy=None
    )
    await client.connect()
    assert (await diary.next("disconnected")).code == code


async def test_who_brings_no_token_stays_away(hub: SdkHub, protobuf: bool):
    diary = Diary()
    client = Client(hub.socket_url, events=diary, use_protobuf=protobuf, proxy=None)
    await client.connect()
    assert (await diary.next("disconnected")).code == 3501


async def test_an_expired_token_is_replaced_by_a_new_one(hub: SdkHub, protobuf: bool):
    user, asked = unique(), []

    async def get_token() -> str:
        asked.append(1)
        return token(user, lasts_s=60)

    old = token(user, lasts_s=-1)
    async with connected(hub, token=old, get_token=get_token, use_protobuf=protobuf) as (client, _):
        assert asked == [1]
        assert read((await client.rpc("who", b"{}" if protobuf else {})).data) == {"user": user}


async def test_a_connection_goes_on_by_a_new_token_before_the_old_one_ends(hub: SdkHub, protobuf: bool):
    user, asked = unique(), []

    async def get_token() -> str:
        asked.append(1)
        return token(user, lasts_s=2 if len(asked) < 2 else 600)

    first = token(user, lasts_s=2)
    async with connected(hub, token=first, get_token=get_token, use_protobuf=protobuf) as (_, diary):
        await eventually(lambda: len(asked) == 2)
        assert len(diary.of("connecting")) == 1


async def test_a_connection_that_is_said_to_have_expired_comes_back(hub: SdkHub, protobuf: bool):
    user = unique()

    async def get_token() -> str:
        return token(user)

    options = {"get_token": get_token, "use_protobuf": protobuf}
    async with connected(hub, user=user, token=token(user), **options) as (_, diary):
        await hub.api("refresh", user=user, expired=True)
        assert (await diary.next("connecting", 2)).code == 3005
        await diary.next("connected", 2)


@pytest.mark.parametrize(
    ("given", "code", "again"),
    [
        (None, 3503, False),
        ({"code": 4501, "reason": "banned"}, 4501, False),
        ({"code": 4001, "reason": "moved"}, 4001, True),
    ],
)
async def test_the_back_end_ends_a_connection(
    hub: SdkHub, protobuf: bool, given: dict[str, object] | None, code: int, again: bool
):
    user = unique()
    async with connected(hub, user=user, use_protobuf=protobuf) as (_, diary):
        await hub.api("disconnect", user=user, disconnect=given)
        if again:
            assert (await diary.next("connecting", 2)).code == code
            await diary.next("connected", 2)
        else:
            assert (await diary.next("disconnected")).code == code


async def test_the_application_answers_calls(hub: SdkHub, protobuf: bool):
    async with connected(hub, use_protobuf=protobuf) as (client, _):
        data = {"text": "日本", "numbers": [1, 2.5, None]}
        assert read((await client.rpc("echo", written(data, protobuf))).data) == data
        for method, code, message in (("refuse", 409, "taken"), ("nothing", 104, "method not found")):
            with pytest.raises(ReplyError) as refused:
                await client.rpc(method, written({}, protobuf))
            assert (refused.value.code, refused.value.message) == (code, message)


async def test_payloads_of_bytes_come_back_as_they_are(hub: SdkHub):
    async with connected(hub, use_protobuf=True) as (client, _):
        assert (await client.rpc("echo", b"\x00\xff not JSON")).data == b"\x00\xff not JSON"
