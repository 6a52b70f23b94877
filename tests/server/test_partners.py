"""Partners' people beside our own at one hub: whose token, whose channel, and nobody in the other's house.

Proves: server/partners.py, server/realtime.py, server/api/procedures.py
"""

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx2
import pytest
from centrifuge import CentrifugeError

from channels.memory import MemoryBroker
from channels.namespaces import BadNamespaces, Namespaces
from channels.protocol import Disconnect, ErrorCode, ProtocolError
from channels.tokens import FixedKeys, KeysUnavailable, Tokens
from domain.catalogue import CATALOGUE
from server.partners import PartnerHost, check_shadows
from server.realtime import Partners
from tests.eventually import eventually
from tests.partner_hub import (
    API_KEY,
    PROFILE,
    SECRET,
    PartnerHub,
    Watcher,
    client,
    follow,
    partner_hub,
    token,
)
from tests.sdk import Seen, connected
from tests.served import Served, served_house

KEY = {"X-API-Key": API_KEY}


def host(profile: Any = PROFILE) -> PartnerHost:
    return PartnerHost(Namespaces.of(profile), Tokens(FixedKeys(secret=SECRET)))


def anybody(**claims: Any) -> Any:
    return host().connect(token(**claims), b"")


def refused_with(seen: Watcher, code: int) -> bool:
    return seen.unsubscribed == [code]


# Who connects


async def test_a_token_tells_who_connects_and_what_they_follow():
    identity = await anybody(
        exp=2_000_000_000,
        jti="phone",
        info={"name": "Ann"},
        channels=["chat:1"],
        subs={"own:news": {"data": [1], "info": {"x": 1}, "override": {"presence": {"value": False}}}},
    )
    assert (identity.user, identity.session, identity.expires_at) == ("ann", "phone", 2_000_000_000)
    assert identity.info == b'{"name":"Ann"}'
    assert set(identity.subscriptions) == {"own:#ann", "chat:1", "own:news"}
    news = identity.subscriptions["own:news"]
    assert news is not None and (news.data, news.info, news.presence) == (b"[1]", b'{"x":1}', False)


async def test_all_who_follow_by_flags_share_one_opening():
    one, other = await anybody(sub="ann"), await anybody(sub="bob")
    partners = host()
    assert await partners.may(one, "chat:1", "", client="") is await partners.may(
        other, "chat:2", "", client=""
    )


@pytest.mark.parametrize(
    ("given", "refusal", "code"),
    [
        (token(key="another secret of 64 bytes, which is not the one that is known."), Disconnect, 3500),
        (token(channel="chat:1"), Disconnect, 3500),
        (token(b64info="?"), Disconnect, 3500),
        (token(exp=1), ProtocolError, 109),
        (token(channels=["nowhere:1"]), ProtocolError, 102),
        ("", Disconnect, 3501),
    ],
)
async def test_who_cannot_connect_is_told_why(given, refusal, code):
    with pytest.raises(refusal) as refused:
        await host().connect(given, b"")
    assert refused.value.code == code


async def test_anonymous_people_connect_where_they_may():
    open_host = host({"allow_anonymous_connect_without_token": True})
    assert (await open_host.connect("", b"")).user == ""


async def test_while_keys_cannot_be_read_the_client_tries_again():
    class Away:
        async def find(self, algorithm: str, kid: str | None) -> list[Any]:
            raise KeysUnavailable("away")

    partners = PartnerHost(Namespaces.of(PROFILE), Tokens(Away()))
    with pytest.raises(ProtocolError) as refused:
        await partners.connect(token(), b"")
    assert refused.value.temporary


async def test_a_refresh_is_of_the_same_user():
    identity = await anybody()
    assert (await host().refresh(identity, token(exp=2_000_000_000))).expires_at == 2_000_000_000
    with pytest.raises(Disconnect) as refused:
        await host().refresh(identity, token("bob"))
    assert refused.value.code == 3500


# Who follows

ALLOWED: dict[str, dict[str, int | None]] = {
    # channel: {user: the code they are refused with, None where they may}
    "chat:1": {"ann": None, "": 103},
    "own:1": {"ann": 103, "": 103},
    "$chat:1": {"ann": 103},
    "pair:#ann,bob": {"ann": None, "bob": None, "eve": 103, "": 103},
    "chat:#ann": {"ann": 103},
    "nowhere:1": {"ann": 102},
    "&control": {"ann": 107},
}


@pytest.mark.parametrize(("channel", "user"), [(c, u) for c, users in ALLOWED.items() for u in users])
async def test_flags_decide_without_a_token(channel, user):
    code = ALLOWED[channel][user]
    identity = await anybody(sub=user)
    if code is None:
        await host().may(identity, channel, "", client="c1")
        return
    with pytest.raises(ProtocolError) as refused:
        await host().may(identity, channel, "", client="c1")
    assert refused.value.code == code


@pytest.mark.parametrize("channel", ["own:1", "$chat:1", "chat:#bob", "news"])
async def test_a_token_opens_what_flags_do_not(channel):
    opening = await host().may(
        await anybody(),
        channel,
        token(
            channel=channel,
            client="c1",
            exp=2_000_000_000,
            info={"x": 1},
            override={"presence": {"value": True}},
        ),
        client="c1",
    )
    assert (opening.expires_at, opening.info, opening.presence) == (2_000_000_000, b'{"x":1}', True)


@pytest.mark.parametrize(
    ("given", "refusal", "code"),
    [
        (token(channel="own:2"), Disconnect, 3500),
        (token("bob", channel="own:1"), Disconnect, 3500),
        (token(channel="own:1", client="c2"), Disconnect, 3500),
        (token(), ProtocolError, 103),
        (
            token(channel="own:1", key="another secret of 64 bytes, which is not the known one, at all"),
            ProtocolError,
            103,
        ),
        ("x", ProtocolError, 103),
        (token(channel="own:1", b64info="?"), ProtocolError, 103),
        (token(channel="own:1", exp=1), ProtocolError, 109),
    ],
)
async def test_a_token_that_does_not_fit_opens_nothing(given, refusal, code):
    with pytest.raises(refusal) as refused:
        await host().may(await anybody(), "own:1", given, client="c1")
    assert refused.value.code == code


async def test_a_token_names_its_channel():
    assert await host().channel_of(await anybody(), token(channel="own:1")) == "own:1"


async def test_who_publishes_is_decided_by_the_namespace():
    ann = await anybody()
    assert (await host().publish(ann, "pair:#ann", b"1", granted=True)).data == b"1"
    with pytest.raises(ProtocolError) as refused:
        await host().publish(ann, "pair:#ann", b"1", granted=False)
    assert refused.value.code == ErrorCode.PERMISSION_DENIED


# Over a socket


@pytest.fixture
async def hub() -> AsyncIterator[PartnerHub]:
    async with partner_hub(MemoryBroker()) as one:
        yield one


async def test_an_expired_token_does_not_prolong_a_subscription(hub: PartnerHub):
    """The trap of the protocol's own server: a well-signed token that has expired made it last for ever."""
    seen = Watcher()
    now = int(time.time())
    given = iter([token(channel="own:1", exp=now + 2), *[token(channel="own:1", exp=now - 60)] * 50])
    async with client(hub) as ann:

        async def get_token(context: Any) -> str:
            return next(given)

        subscription = ann.new_subscription("own:1", events=seen, get_token=get_token)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await eventually(lambda: seen.unsubscribed == [109])


async def test_a_personal_channel_is_followed_from_the_start(hub: PartnerHub):
    seen = Watcher()
    async with client(hub, "ann", seen), httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
        await http.post("/api/publish", json={"channel": "own:#ann", "data": "hello"}, headers=KEY)
        await eventually(lambda: seen.publications == [("own:#ann", "hello")])


# Beside our own people


def partners(profile: Any = PROFILE) -> Partners:
    return Partners(host(profile), API_KEY)


@pytest.fixture
async def shared(database: str) -> AsyncIterator[Served]:
    async with served_house(database, partners=partners()) as served:
        yield served


def at(served: Served) -> PartnerHub:
    return PartnerHub(served.url, None, served.process.broker)  # type: ignore[arg-type]  # a client needs no more


async def test_both_kinds_of_people_connect_to_one_hub(shared: Served):
    member, seen, watching = await shared.sign_up(), Seen(), Watcher()
    async with connected(shared, member, seen) as ours, client(at(shared), "ann", watching) as theirs:
        assert (await ours.rpc("identity.me", {})).data["username"]
        with pytest.raises(CentrifugeError, match="108"):
            await theirs.rpc("identity.me", {})
        mine = Watcher()
        await follow(ours, "chat:1", mine)
        await follow(theirs, "chat:1", watching)
        await shared.http.post("/api/publish", json={"channel": "chat:1", "data": 1}, headers=KEY)
        await eventually(lambda: mine.publications and watching.publications)


async def test_a_partners_token_opens_no_feed_of_ours(shared: Served):
    member = await shared.sign_up()
    own = f"#{(await shared.http.get('/auth/me', headers=member)).json()['id']}"
    for channel in (own, "access:1"):
        seen = Watcher()
        async with client(at(shared), own[1:], seen) as theirs:
            subscription = theirs.new_subscription(
                channel, events=seen, token=token(own[1:], channel=channel)
            )
            await subscription.subscribe()
            await eventually(partial(refused_with, seen, 103))
            with pytest.raises(CentrifugeError, match="103"):
                await theirs.history(channel, limit=1)
            with pytest.raises(CentrifugeError, match="103"):
                await theirs.publish(channel, {})


async def test_a_back_end_touches_no_feed_of_ours(shared: Served):
    await shared.sign_up()
    for method, more in (
        ("publish", {"data": 1}),
        ("history", {"limit": 1}),
        ("history_remove", {}),
        ("presence", {}),
        ("presence_stats", {}),
        ("subscribe", {"user": "1"}),
        ("unsubscribe", {"user": "1"}),
    ):
        for channel in ("#1", "access:1"):
            answer = await shared.http.post(f"/api/{method}", json={"channel": channel, **more}, headers=KEY)
            assert answer.json()["error"]["code"] == 103, (method, channel)
    broadcast = {"channels": ["#1", "chat:1"], "data": 1}
    answer = await shared.http.post("/api/broadcast", json=broadcast, headers=KEY)
    assert [("error" in one) for one in answer.json()["result"]["responses"]] == [True, False]
    async with connected(shared, await shared.sign_up(), Seen()):
        answer = await shared.http.post("/api/channels", json={}, headers=KEY)
        assert answer.json() == {"result": {"channels": {}}}


async def test_a_back_end_ends_no_connection_of_ours_whatever_its_user_is_called(shared: Served):
    member, seen = await shared.sign_up(), Watcher()
    user = str((await shared.http.get("/auth/me", headers=member)).json()["id"])
    async with connected(shared, member, ours := Seen()) as still, client(at(shared), user, seen):
        await shared.http.post("/api/disconnect", json={"user": user}, headers=KEY)
        await eventually(lambda: seen.disconnected == [3503])
        await shared.http.post("/api/refresh", json={"user": user, "expired": True}, headers=KEY)
        assert str((await still.rpc("identity.me", {})).data["id"]) == user
        assert not ours.ends


async def test_a_token_that_nobody_knows_is_refused(shared: Served):
    with pytest.raises(Exception):  # noqa: B017  # the SDK's own, whichever it raises where it never gets ready
        async with client(at(shared), key="another secret of 64 bytes, which is not the known one, at all"):
            pass


async def test_the_end_of_our_own_rights_does_not_touch_partners(shared: Served):
    member, seen = await shared.sign_up(), Watcher()
    user = str((await shared.http.get("/auth/me", headers=member)).json()["id"])
    async with connected(shared, member, ours := Seen()), client(at(shared), user, seen):
        await shared.http.post("/auth/logout", headers=member)
        await eventually(lambda: ours.ends == [3500])
        assert not seen.disconnected


async def test_operations_that_are_named_may_be_called(database: str):
    profile = {**PROFILE, "rpc_operations": ["identity.identify"]}
    async with served_house(database, partners=partners(profile)) as served:
        await served.sign_up()
        call = {"method": "identity.identify", "params": {"sessionId": 1}}
        answer = await served.http.post("/api/rpc", json=call, headers=KEY)
        assert answer.json()["result"]["data"]["user_id"] == 1
        call = {"method": "identity.identify", "params": {"sessionId": "x"}}
        answer = await served.http.post("/api/rpc", json=call, headers=KEY)
        assert answer.json()["error"]["code"] == 422
        answer = await served.http.post("/api/rpc", json={"method": "identity.list_users"}, headers=KEY)
        assert answer.json()["error"]["code"] == 108


async def test_an_operation_that_is_not_the_services_cannot_be_named(database: str):
    for name in ("identity.dance", "identity.me"):
        with pytest.raises(BadNamespaces, match=name):
            async with served_house(database, partners=partners({"rpc_operations": [name]})):
                pass


@pytest.mark.parametrize(
    "profile",
    [
        {"namespaces": {"access": {}}},
        {"namespaces": {"occupancy": {}}},
        {"subscribe_to_user_personal_channel": True},
    ],
)
def test_namespaces_that_hold_feeds_of_ours_are_refused(profile):
    with pytest.raises(BadNamespaces):
        check_shadows(Namespaces.of(profile), CATALOGUE.feeds)
