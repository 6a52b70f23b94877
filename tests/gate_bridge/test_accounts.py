"""A gate's account opens its own topics and no other, and the switch is in our hands."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gate_bridge import accounts, wire
from gate_bridge.accounts import Command, Outcome, Unreadable, initial_dynsec
from gate_bridge.client import Client, NotPublished, Settings
from gate_bridge.ingest import LEGS
from tests.eventually import eventually
from tests.private_broker import PLUGIN, PrivateBroker


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[PrivateBroker]:
    """A broker that starts from our first file."""
    first = initial_dynsec(
        "admin-pw", {"svc-ingest": "ingest-pw", "svc-decide": "decide-pw", "svc-control": "control-pw"}
    )
    (tmp_path / "dynsec.json").write_text(json.dumps(first))
    broker = PrivateBroker(
        tmp_path,
        "allow_anonymous false",
        f"plugin {PLUGIN}",
        f"plugin_opt_config_file {tmp_path}/dynsec.json",
    )
    await broker.start()
    yield broker
    broker.kill()


def client_of(
    broker: PrivateBroker, name: str, password: str, *filters: str, client_id: str | None = None
) -> Client:
    return Client(
        Settings(
            url=f"mqtt://{name}:{password}@127.0.0.1:{broker.port}",
            client_id=client_id or name,
            subscriptions=tuple((topic, 1) for topic in filters),
        )
    )


@asynccontextmanager
async def running(client: Client) -> AsyncIterator[Client]:
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        try:
            await client.wait_connected(5)
            yield client
        finally:
            life.cancel()


def control(broker: PrivateBroker) -> Client:
    return client_of(broker, "svc-control", "control-pw", accounts.RESPONSES)


async def command(client: Client, commands: list[Command]) -> list[Outcome]:
    """Has the plugin do it."""
    correlation = secrets.token_hex(8)
    await client.publish(accounts.REQUESTS, accounts.request(commands, correlation))
    async with asyncio.timeout(5):
        async for message in client:
            done = accounts.outcomes(message.payload, correlation)
            if done:
                return done
    raise AssertionError("unreachable")


async def done(client: Client, commands: list[Command]) -> None:
    assert [outcome for outcome in await command(client, commands) if outcome.failed] == []


async def refused(broker: PrivateBroker, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The client is not let in."""
    caplog.clear()
    async with asyncio.TaskGroup() as group:
        life = group.create_task(client.run())
        await eventually(lambda: "cannot reach the broker" in caplog.text)
        life.cancel()
    assert not client.connected


async def test_a_gate_writes_and_reads_its_own_topics(guarded: PrivateBroker):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        ingest = client_of(guarded, "svc-ingest", "ingest-pw", "gh/1/+/+/up/evt", "gh/1/+/+/up/batch")
        gate = client_of(guarded, "5", "gate-pw", "gh/1/1/5/dn/#", "gh/1/1/_all/dn/#")
        async with running(ingest), running(gate):
            await gate.publish("gh/1/1/5/up/evt", b"event")
            await ingest.publish("gh/1/1/5/dn/ack", b"ack")

            assert [message.payload for message in await ingest.batch()] == [b"event"]
            assert [message.payload for message in await gate.batch()] == [b"ack"]


async def test_a_gate_cannot_speak_for_another(guarded: PrivateBroker):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        ingest = client_of(guarded, "svc-ingest", "ingest-pw", *(wire.every(leg) for leg in LEGS))
        forged = {
            topic: b"forged"
            for topic in ("gh/1/1/6/up/evt", "gh/1/2/5/up/evt", "gh/1/1/5/dn/dec", "gh/1/1/_all/dn/desired")
        }
        forged[accounts.REQUESTS] = accounts.request(accounts.disable_gate(5), "x")
        async with running(ingest), running(client_of(guarded, "5", "gate-pw")) as gate:
            for topic, payload in forged.items():
                with pytest.raises(NotPublished, match="not authorized"):
                    await gate.publish(topic, payload)
            await gate.publish("gh/1/1/5/up/evt", b"own")

            assert [message.payload for message in await ingest.batch()] == [b"own"]
            assert gate.connected


@pytest.mark.parametrize(
    "topic",
    [
        "gh/1/1/6/dn/#",
        "gh/1/1/+/dn/#",
        "gh/1/1/5/up/#",
        "gh/1/1/5/#",
        "gh/1/2/_all/dn/#",
        "#",
        "$SYS/#",
        "$CONTROL/dynamic-security/v1/response",
    ],
)
async def test_a_gate_cannot_listen_to_others(
    guarded: PrivateBroker, topic: str, caplog: pytest.LogCaptureFixture
):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))

        await refused(guarded, client_of(guarded, "5", "gate-pw", topic), caplog)

    assert f"5 may not follow {topic}" in caplog.text


async def test_a_gate_cannot_take_the_name_of_another_client(
    guarded: PrivateBroker, caplog: pytest.LogCaptureFixture
):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        async with running(client_of(guarded, "svc-ingest", "ingest-pw", "gh/1/+/+/up/evt")) as ingest:
            await refused(guarded, client_of(guarded, "5", "gate-pw", client_id="svc-ingest"), caplog)

            assert ingest.counts.connections == 1


async def test_a_disabled_gate_is_out_at_once_and_stays_out(
    guarded: PrivateBroker, caplog: pytest.LogCaptureFixture
):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        async with running(client_of(guarded, "5", "gate-pw")) as gate:
            await done(master, accounts.disable_gate(5))
            await eventually(lambda: not gate.connected)
        await refused(guarded, client_of(guarded, "5", "gate-pw"), caplog)

        await done(master, accounts.renew_gate(1, 5, "gate-pw"))
        async with running(client_of(guarded, "5", "gate-pw")):
            pass


async def test_a_new_password_ends_the_old_one(guarded: PrivateBroker, caplog: pytest.LogCaptureFixture):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "old-pw"))
        async with running(client_of(guarded, "5", "old-pw")) as gate:
            await done(master, accounts.renew_gate(1, 5, "new-pw"))
            await eventually(lambda: not gate.connected)
        await refused(guarded, client_of(guarded, "5", "old-pw"), caplog)

        async with running(client_of(guarded, "5", "new-pw")):
            pass


async def test_a_gate_can_be_moved_and_is_not_made_twice(
    guarded: PrivateBroker, caplog: pytest.LogCaptureFixture
):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "first-pw"))
        await done(master, accounts.renew_gate(2, 5, "second-pw"))
        async with running(client_of(guarded, "5", "second-pw", "gh/1/2/5/dn/#")):
            pass
        await refused(guarded, client_of(guarded, "5", "second-pw", "gh/1/1/5/dn/#"), caplog)

        again = await command(master, accounts.create_gate(1, 5, "third-pw"))
        assert [outcome.was_there for outcome in again] == [True, True]
        async with running(client_of(guarded, "5", "second-pw", "gh/1/2/5/dn/#")):
            pass
        failed = [outcome for outcome in await command(master, accounts.disable_gate(6)) if outcome.failed]
        assert [outcome.error for outcome in failed] == ["Client not found"]


async def test_accounts_survive_a_kill_of_the_broker(guarded: PrivateBroker):
    async with running(control(guarded)) as master:
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        guarded.kill()
        await guarded.start()
        async with running(client_of(guarded, "5", "gate-pw", "gh/1/1/5/dn/#")):
            pass


async def test_services_do_their_own_work_only(guarded: PrivateBroker, caplog: pytest.LogCaptureFixture):
    decide = client_of(guarded, "svc-decide", "decide-pw", "gh/1/+/+/up/scan")
    async with running(control(guarded)) as master, running(decide):
        await done(master, accounts.create_gate(1, 5, "gate-pw"))
        async with running(client_of(guarded, "5", "gate-pw", "gh/1/1/5/dn/#")) as gate:
            with pytest.raises(NotPublished, match="not authorized"):
                await decide.publish("gh/1/1/5/dn/cmd", b"open")
            await decide.publish("gh/1/1/5/dn/dec", b"decision")

            assert [message.payload for message in await gate.batch()] == [b"decision"]
    await refused(guarded, client_of(guarded, "svc-decide", "decide-pw", accounts.RESPONSES), caplog)
    await refused(guarded, client_of(guarded, "svc-ingest", "ingest-pw", "gh/1/+/+/up/scan"), caplog)


def test_what_is_there_already_is_no_failure():
    assert not Outcome(command="createClient", error="Client already exists").failed
    assert not Outcome(command="createRole", error="Role already exists").failed
    assert not Outcome(command="createClient").failed
    assert Outcome(command="modifyClient", error="Client not found").failed
    assert Outcome(command="createClient", error="Internal error").failed


def test_the_answer_to_another_is_not_ours():
    payload = b'{"responses":[{"command":"createRole","correlationData":"a"},{"command":"deleteRole"}]}'

    assert [outcome.command for outcome in accounts.outcomes(payload, "a")] == ["createRole"]
    assert accounts.outcomes(payload, "b") == []


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{}", b'{"responses":5}'])
def test_what_is_no_answer_is_said(payload: bytes):
    with pytest.raises(Unreadable):
        accounts.outcomes(payload, "a")


def test_passwords_are_not_in_the_first_file():
    first = json.dumps(initial_dynsec("admin-pw", {"svc-ingest": "ingest-pw"}))

    assert "admin-pw" not in first
    assert "ingest-pw" not in first
