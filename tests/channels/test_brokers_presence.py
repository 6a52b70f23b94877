"""Who is present, as every broker keeps it.

Proves: channels/broker.py, channels/memory.py, channels/redis/
"""

import pytest
from msgspec import Raw

from channels.broker import Attendance, Broker, Patience
from channels.protocol.messages import ClientInfo
from tests.channels.brokers import Recorder
from tests.eventually import eventually

BRIEF = Patience(presence_s=0.3)


async def test_who_arrives_is_present_until_they_leave(broker: Broker, heard: Recorder) -> None:
    anna = ClientInfo(user="7", client="c1", conn_info=Raw(b'{"name":"Anna"}'))
    boris = ClientInfo(user="8", client="c2")
    await broker.arrive("room", anna)
    await broker.arrive("room", boris)
    present = await broker.presence("room")
    assert set(present) == {"c1", "c2"}
    assert bytes(present["c1"].conn_info) == b'{"name":"Anna"}'
    assert present["c2"].user == "8"
    await broker.leave("room", "c1")
    assert set(await broker.presence("room")) == {"c2"}
    assert not await broker.presence("elsewhere")


async def test_clients_and_users_are_counted(broker: Broker, heard: Recorder) -> None:
    infos = [ClientInfo(user=user, client=f"{user}-{n}") for user in ("7", "8", "") for n in range(2)]
    await broker.arrive_many([("room", info) for info in infos] + [("other", infos[0])])
    await broker.arrive_many([("room", info) for info in infos])
    assert await broker.attendance("room") == Attendance(clients=6, users=3)
    assert await broker.attendance("other") == Attendance(clients=1, users=1)
    assert set(await broker.presence("room")) == {info.client for info in infos}
    for client, left in (("7-0", Attendance(5, 3)), ("7-1", Attendance(4, 2)), ("7-1", Attendance(4, 2))):
        await broker.leave("room", client)
        assert await broker.attendance("room") == left
    assert await broker.attendance("nowhere") == Attendance(0, 0)


@pytest.mark.parametrize("patience", [BRIEF])
async def test_who_is_not_confirmed_is_not_counted(broker: Broker, heard: Recorder) -> None:
    goes = [ClientInfo(user="1", client=f"goes-{n}") for n in range(3)]
    stays = ClientInfo(user="1", client="stays")
    await broker.arrive_many([("room", info) for info in goes])

    async def only_one_left() -> bool:
        await broker.arrive("room", stays)
        return await broker.attendance("room") == Attendance(1, 1)

    await eventually(only_one_left)


@pytest.mark.parametrize("patience", [BRIEF])
async def test_who_is_not_confirmed_is_gone(broker: Broker, heard: Recorder) -> None:
    stays, goes = ClientInfo(user="1", client="stays"), ClientInfo(user="2", client="goes")
    await broker.arrive("room", goes)

    async def only_one_left() -> bool:
        await broker.arrive("room", stays)
        return set(await broker.presence("room")) == {"stays"}

    await eventually(only_one_left)
