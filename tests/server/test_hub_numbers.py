"""The numbers of a hub, and of several together."""

import msgspec
import pytest

from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.messages import ConnectResult, Error, Reply, SubscribeResult
from server.hub_numbers import APPLICATION, BY_CLIENT, LATENCIES_S, HubNumbers, total


def test_connections_are_counted_in_and_out_by_codec():
    numbers = HubNumbers()
    for codec in ("json", "json", "protobuf"):
        numbers.enter(codec)
    numbers.depart("json")
    assert numbers.connections == {"json": 1, "protobuf": 1}


def test_an_end_is_known_by_its_code_and_those_that_others_choose_are_one():
    numbers = HubNumbers()
    for code in (DisconnectCode.SLOW, DisconnectCode.SLOW, 4001, 4999, 1001, 77777):
        numbers.close(code)
    assert numbers.closed == {3008: 2, APPLICATION: 2, BY_CLIENT: 2}


def test_commands_are_counted_by_what_became_of_them():
    numbers = HubNumbers()
    numbers.command("subscribe")
    numbers.command("subscribe", ErrorCode.PERMISSION_DENIED)
    numbers.command("rpc", 409)
    assert numbers.commands == {"subscribe": {"ok": 1, "permission_denied": 1}, "rpc": {"application": 1}}


@pytest.mark.parametrize(
    ("method", "reply", "recovered", "unrecovered"),
    [
        ("subscribe", Reply(subscribe=SubscribeResult()), 0, 0),
        ("subscribe", Reply(subscribe=SubscribeResult(was_recovering=True, recovered=True)), 1, 0),
        ("subscribe", Reply(subscribe=SubscribeResult(was_recovering=True)), 0, 1),
        ("subscribe", Reply(error=Error(code=112, message="")), 0, 1),
        ("subscribe", Reply(error=Error(code=103, message="")), 0, 0),
        ("history", Reply(error=Error(code=112, message="")), 0, 0),
    ],
)
def test_who_asked_to_go_on_is_counted_by_what_became_of_it(
    method: str, reply: Reply, recovered: int, unrecovered: int
):
    numbers = HubNumbers()
    numbers.answer(method, reply)
    assert (numbers.recovered, numbers.unrecovered) == (recovered, unrecovered)


def test_those_followed_from_the_start_are_counted_with_the_connect():
    numbers = HubNumbers()
    went_on = SubscribeResult(was_recovering=True, recovered=True)
    began = {"a": went_on, "b": SubscribeResult(was_recovering=True), "c": SubscribeResult()}
    numbers.answer("connect", Reply(connect=ConnectResult(client="c", version="0", subs=began)))
    assert numbers.commands == {"connect": {"ok": 1}}
    assert (numbers.recovered, numbers.unrecovered) == (1, 1)


def test_a_latency_lies_under_its_bound():
    numbers = HubNumbers()
    for seconds in (-0.2, 0.0005, 0.0006, 60.0):
        numbers.delivered(seconds)
    assert numbers.latencies[0] == 2 and numbers.latencies[1] == 1 and numbers.latencies[-1] == 1
    assert len(numbers.latencies) == len(LATENCIES_S) + 1 and sum(numbers.latencies) == 4
    assert numbers.latency_s == 60.0011


def test_the_numbers_of_several_hubs_add_up_member_by_member():
    one, other = HubNumbers(deliveries=3, draining=1), HubNumbers(deliveries=4)
    one.enter("json")
    one.command("rpc")
    other.command("rpc")
    other.command("rpc", ErrorCode.INTERNAL)
    other.command("publish")
    other.delivered(0.004)
    found = total([one, other])
    assert found.deliveries == 7 and found.draining == 1 and found.connections == {"json": 1}
    assert found.commands == {"rpc": {"ok": 2, "internal": 1}, "publish": {"ok": 1}}
    assert found.latencies == other.latencies and found.latency_s == 0.004
    assert one.commands == {"rpc": {"ok": 1}}, "the parts are left as they were"


def test_numbers_survive_the_way_to_another_hub():
    numbers = HubNumbers(clogged=2)
    numbers.close(DisconnectCode.SHUTDOWN)
    numbers.drop("latest", 3)
    assert msgspec.json.decode(msgspec.json.encode(numbers), type=HubNumbers) == numbers
