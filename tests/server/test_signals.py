"""Signals of followers to each other, and messages that want no answer, through an unmodified client SDK.

Proves: server/signals.py, server/host.py, domain/kernel/feeds.py
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from centrifuge import Client, ReplyError
from websockets.asyncio.client import ClientConnection, connect

from domain.catalogue import CATALOGUE
from domain.kernel.context import Context
from domain.kernel.errors import Forbidden
from domain.kernel.feeds import Feed, Feeds, Item
from server.signals import RATE
from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served, served_house

rooms = Feed("room:{room_id}", remembers=10)
silent = Feed("silent:{room_id}")
SECRET_ROOM = 13


class Typing(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody writes."""

    line_number: int
    words: list[str] = []


class Typed(msgspec.Struct, frozen=True, rename="camel"):
    """What the others hear of it."""

    line_number: int
    by: int


@rooms.may
@silent.may
async def everybody_but_into_the_secret_one(ctx: Context, *, room_id: int) -> None:
    if room_id == SECRET_ROOM:
        raise Forbidden("Nobody comes in here")


@rooms.first
async def nothing(ctx: Context, *, room_id: int) -> list[Item]:
    return []


@rooms.signals(Typing)
async def typing(ctx: Context, signal: Typing, *, room_id: int) -> Typed:
    if signal.line_number == 0:
        raise Forbidden("The title stays as it is")
    return Typed(signal.line_number, ctx.user_id)


class Ear(Seen):
    """A follower that keeps publications whole."""

    def __init__(self) -> None:
        super().__init__()
        self.publications: list[Any] = []

    async def on_publication(self, context: Any) -> None:
        self.publications.append(context.pub)


@pytest.fixture
async def served(database: str) -> AsyncIterator[Served]:
    catalogue = msgspec.structs.replace(CATALOGUE, feeds=Feeds([*CATALOGUE.feeds, rooms, silent]))
    async with served_house(database, catalogue=catalogue) as one:
        yield one


async def followed(client: Client, channel: str, ear: Ear) -> None:
    subscription = client.new_subscription(channel, events=ear)
    await subscription.subscribe()
    await subscription.ready(timeout=5)


async def refused(client: Client, channel: str, data: object) -> ReplyError:
    with pytest.raises(ReplyError) as refusal:
        await client.publish(channel, data)
    return refusal.value


async def test_followers_hear_a_signal_with_its_sender_and_nothing_is_kept(served: Served):
    writer, reader, ear = await served.sign_up(), await served.sign_up(), Ear()
    async with connected(served, writer, Seen()) as mine, connected(served, reader, Seen()) as theirs:
        user_id = (await mine.rpc("identity.me", {})).data["id"]
        await followed(theirs, "room:1", ear)
        await mine.publish("room:1", {"lineNumber": 7, "words": ["a"]})
        await eventually(lambda: len(ear.publications) == 1)
        [heard] = ear.publications
        assert heard.data == {"signal": {"lineNumber": 7, "by": user_id}}
        assert heard.info.user == str(user_id) and not heard.offset
        kept = await theirs.get_subscription("room:1").history(limit=-1)
        assert (kept.publications, kept.offset) == ([], 0)


async def test_bad_data_is_refused_by_the_name_of_its_field_and_nobody_hears_it(served: Served):
    ear = Ear()
    async with connected(served, await served.sign_up(), Seen()) as client:
        await followed(client, "room:1", ear)
        for data, field in (
            ({"lineNumber": "seven"}, "lineNumber"),
            ({"lineNumber": 7, "words": [1]}, "words[0]"),
            ({"lineNumber": 7, "colour": "red"}, "colour"),
            ({}, "lineNumber"),
        ):
            refusal = await refused(client, "room:1", data)
            assert refusal.code == 422
            assert [error["field"] for error in json.loads(refusal.message)["errors"]] == [field]
        assert (await refused(client, "room:1", [7])).code == 400
        await client.publish("room:1", {"lineNumber": 1})
        await eventually(lambda: len(ear.publications) == 1)


async def test_the_door_of_the_feed_and_that_of_the_signal_are_passed(served: Served):
    async with connected(served, await served.sign_up(), Seen()) as client:
        assert (await refused(client, f"room:{SECRET_ROOM}", {"lineNumber": 1})).code == 103
        assert (await refused(client, "room:1", {"lineNumber": 0})).code == 103
        assert (await refused(client, "silent:1", {"lineNumber": 1})).code == 108
        assert (await refused(client, "nowhere:1", {"lineNumber": 1})).code == 102
        assert (await refused(client, "access:1", {"items": []})).code == 103


async def test_who_signals_too_often_waits(served: Served):
    async with connected(served, await served.sign_up(), Seen()) as client:
        outcomes = await asyncio.gather(
            *(client.publish("room:1", {"lineNumber": 1}) for _ in range(RATE.most * 3)),
            return_exceptions=True,
        )
        refusals = [one for one in outcomes if isinstance(one, ReplyError)]
        assert {one.code for one in refusals} == {111} and all(one.temporary for one in refusals)
        assert len(outcomes) - len(refusals) >= RATE.most


async def test_a_message_without_an_answer_is_carried_out(served: Served):
    admin = await served.admin()
    wish = {"method": "sites.create_site", "data": {"name": "Harbour", "idempotencyKey": "k"}}
    async with on_the_wire(served, admin) as wire:
        await wire.send(json.dumps({"send": {"data": wish}}))

        async def made() -> None:
            sites = (await served.http.get("/sites", headers=admin)).json()["items"]
            assert [site["name"] for site in sites] == ["Harbour"]

        await eventually(made)
        # The next answer is that of the next command: the message had none.
        assert (await asked(wire, "sites.list_sites"))["rpc"]["data"]["items"]


@pytest.mark.parametrize(
    "data",
    [
        {"method": "sites.create_site", "data": {"name": "Harbour"}},  # a member may not
        {"method": "no.such", "data": {}},
        {"data": {}},
        [1],
    ],
)
async def test_what_is_refused_without_an_answer_is_counted_and_the_connection_goes_on(
    served: Served, data: object
):
    async with on_the_wire(served, await served.sign_up()) as wire:
        await wire.send(json.dumps({"send": {"data": data}}))
        await eventually(lambda: unheard(served) == 1)
        assert (await asked(wire, "identity.me"))["rpc"]["data"]["id"]


@asynccontextmanager
async def on_the_wire(served: Served, headers: dict[str, str]) -> AsyncIterator[ClientConnection]:
    """Connect without an SDK: the one for Python sends no messages."""
    async with connect(served.url.replace("http", "ws") + "/connection/websocket") as wire:
        token = headers["Authorization"].removeprefix("Bearer ")
        await wire.send(json.dumps({"id": 1, "connect": {"token": token}}))
        assert "connect" in json.loads(await wire.recv())
        yield wire


async def asked(wire: ClientConnection, method: str) -> Any:
    await wire.send(json.dumps({"id": 2, "rpc": {"method": method, "data": {}}}))
    reply = json.loads(await wire.recv())
    assert reply["id"] == 2
    return reply


def unheard(served: Served) -> float:
    lines = served.process.metrics.page().decode().splitlines()
    [line] = [line for line in lines if line.startswith("gatehouse_hub_unheard_total ")]
    return float(line.split()[1])
