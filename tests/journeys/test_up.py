"""Starting and ending: what the terminal shows, and that nothing acknowledged is ever lost.

Proves: gatehouse/up.py, gatehouse/greeting.py, gatehouse/parts.py, gatehouse/own_database.py, gatehouse/demo/
"""

import os
import re
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, NamedTuple

import psutil
import pytest

from tests.eventually import eventually
from tests.journeys.house import GATEHOUSE, PATIENCE_S, House, calling, own_house, run, running_house, sign_in

RESET = (sys.executable, "-m", "gatehouse.embedded.reset")


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """A house whose tests follow each other: each leaves it up."""
    with socket.create_server(("127.0.0.1", 0)) as somebody, socket.create_server(("127.0.0.1", 0)) as other:
        async with own_house() as own:
            own.port, own.mqtt_port = somebody.getsockname()[1], other.getsockname()[1]
            await own.up()
            yield own


async def expected(house: House, name: str) -> dict[str, Any]:
    """Expect a guest as the member."""
    async with calling(house) as http:
        return await (await sign_in(http, "member@example.com")).expect_guest(name)


async def known(house: House) -> dict[int, str]:
    """The member's passes."""
    async with calling(house) as http:
        listed = await (await sign_in(http, "member@example.com")).get("/api/guest-passes", limit=200)
        return {one["guestPassId"]: one["guestName"] for one in listed["items"]}


async def logged(house: House) -> set[tuple[int, str]]:
    """The keys of all rows of the access log, as the guard reads them."""
    async with calling(house) as http:
        guard = await sign_in(http, "guard@example.com")
        rows, cursor = set[tuple[int, str]](), None
        while True:
            page = await guard.get(
                "/api/access-log", siteId=1, limit=200, **({"cursor": cursor} if cursor else {})
            )
            rows |= {(one["accessId"], one["key"]) for one in page["items"]}
            if (cursor := page["nextCursor"]) is None:
                return rows


class Written(NamedTuple):
    """What a gate of a fleet that was killed has written down."""

    gate_id: int
    epoch: str
    last_seq: int


def written(house: House) -> list[Written]:
    """The journals of the fleet; readable only while it is dead."""
    found = []
    for path in (house.data / "fleet" / "journals").glob("*.journal"):
        with closing(sqlite3.connect(path)) as journal:
            epoch, last_seq = journal.execute("select epoch, last_seq from state").fetchone()
        found.append(Written(int(path.stem.partition("-")[2]), epoch, last_seq))
    assert len(found) == 4
    return found


async def test_the_terminal_shows_addresses_and_accounts(house: House):
    async with calling(house) as http:
        for address in re.findall(r"(?:dashboard|mail)\s+(http\S+)", house.shown):
            page = await http.get(address, follow_redirects=True)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for name in ("owner", "manager", "guard", "member"):
            assert f"{name}@example.com" in house.shown
            assert (await (await sign_in(http, f"{name}@example.com")).get("/api/auth/me"))[
                "username"
            ] == name
    assert "gatehouse-demo" in house.shown


async def test_a_taken_port_is_replaced_and_it_says_so(house: House):
    here = int(house.url.rpartition(":")[2])

    assert f"Port {house.port} is taken, so {here} is used instead (PORT chooses)." in house.shown
    assert (
        f"Port {house.mqtt_port} is taken, so {house.broker_port} is used instead (MQTT_PORT chooses)."
        in house.shown
    )


async def test_what_the_terminal_says_to_try_works_as_it_stands(house: House):
    after = house.shown.partition("let them in:")[2]
    script = after.partition("Ctrl-C")[0]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    tried = await run("bash", "-euc", script, environment=environment)

    assert tried.printed == "Gate 1 opened (decided online) and somebody walked through.\n", tried


async def test_a_second_one_on_the_same_data_is_refused(house: House):
    second = await house.call("up")

    assert house.child is not None
    assert (second.code, second.printed) == (2, "")
    assert second.complained == (
        f"gatehouse: {house.data} is in use by process {house.child.pid}. Stop that one first, "
        "or choose another directory by GATEHOUSE_DATA.\n"
    )


async def test_emptying_is_refused_while_it_runs(house: House):
    refused = await run(*RESET, environment=house.environment)

    assert (refused.code, "is in use by process" in refused.complained) == (1, True)
    assert await known(house)


async def test_ctrl_c_ends_everything_and_the_data_stays(house: House):
    guest = await expected(house, "Ada before Ctrl-C")
    before, family = await logged(house), house.family()
    assert len(family) > 8, "PostgreSQL, Mosquitto and the fleet are among them"

    code = await house.interrupt(deadline_s=5)

    assert (code, alive(family), house.remains()) == (0, [], []), house.shown
    assert "Traceback" not in house.shown
    await house.up()
    assert (await known(house))[guest["guestPassId"]] == "Ada before Ctrl-C"
    assert before <= await logged(house)


async def test_a_killed_process_takes_its_children_along_and_nothing_is_lost(house: House):
    guest = await came_in(house, "Ada before the crash")
    before, family = await logged(house), house.family()

    family[0].kill()

    await eventually(lambda: alive(family) == [] == house.remains(), PATIENCE_S)
    await nothing_is_lost(house, guest, before)


async def test_a_killed_tree_starts_again_and_nothing_is_lost(house: House):
    guest = await came_in(house, "Ada before the power cut")
    before, family = await logged(house), house.family()

    for process in family:
        process.suspend()  # so that none hears of another's death
    for process in reversed(family):
        process.kill()

    await eventually(lambda: alive(family) == [], PATIENCE_S)
    await nothing_is_lost(house, guest, before)


async def came_in(house: House, name: str) -> dict[str, Any]:
    """Expect a guest and let them in."""
    guest = await expected(house, name)
    shown = await house.present(1, guest["qrToken"])
    assert (shown.verdict, shown.passed) == ("admit", True)
    return guest


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie whose parent is slow does not."""
    return [one for one in family if runs(one)]


def runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False  # it ended between the two questions


async def nothing_is_lost(house: House, guest: dict[str, Any], before: set[tuple[int, str]]) -> None:
    """Start again: what was answered is still there, what gates wrote down arrives once, and ids go on."""
    assert house.child is not None
    await house.child.wait()
    journals = written(house)
    await house.up()
    assert (await known(house))[guest["guestPassId"]] == guest["guestName"]
    assert before <= await logged(house)
    assert (await expected(house, "Ada afterwards"))["guestPassId"] > guest["guestPassId"]
    await eventually(lambda: all_arrived(house, journals), PATIENCE_S)
    assert await visits(house, guest) == ["enter"]
    assert await house.rows("SELECT 1 FROM access_log GROUP BY gate_id, epoch, seq HAVING count(*) > 1") == []


async def all_arrived(house: House, journals: list[Written]) -> bool:
    """Whether the log has each event that the journals had when everything was killed."""
    query = "SELECT count(*) FROM access_log WHERE gate_id = :gate AND epoch = :epoch AND seq <= :last"
    counts = [
        (await house.rows(query, gate=one.gate_id, epoch=bytes.fromhex(one.epoch), last=one.last_seq))[0][0]
        for one in journals
    ]
    return counts == [one.last_seq for one in journals]


async def visits(house: House, guest: dict[str, Any]) -> list[str]:
    """What the host reads of the guest."""
    async with calling(house) as http:
        member = await sign_in(http, "member@example.com")
        found = await member.get("/api/visit-logs", guestPassId=guest["guestPassId"])
        return [one["action"] for one in found["items"]]


async def test_emptying_leaves_nothing_and_the_next_start_is_a_first_one(house: House):
    guest = await expected(house, "Ada to be forgotten")
    await house.interrupt()

    emptied = await run(*RESET, environment=house.environment)

    assert (emptied.code, emptied.printed) == (0, f"{house.data} is empty\n")
    assert list(house.data.iterdir()) == []
    await house.up()
    assert guest["guestName"] not in (await known(house)).values()


async def test_help_is_there_without_any_data(tmp_path_factory: pytest.TempPathFactory):
    environment = {"PATH": os.environ["PATH"], "GATEHOUSE_DATA": str(tmp_path_factory.mktemp("none") / "no")}

    helped = await run(GATEHOUSE, "--help", environment=environment)

    assert helped.code == 0 and "create-admin" in helped.printed


async def test_a_bad_setting_is_told_in_one_line():
    async with own_house(LOG_LEVEL="LOUD") as unlucky:
        told = await unlucky.call("up")

    assert (told.code, told.complained) == (
        2,
        "gatehouse: LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR; 'LOUD' is not\n",
    )


async def test_without_the_demo_nobody_has_an_account():
    async with running_house(demo=False) as bare, calling(bare) as http:
        answer = await http.post(
            "/api/auth/login", json={"email": "owner@example.com", "password": "gatehouse-demo"}
        )

        assert answer.status_code == 401
        assert "create-admin" in bare.shown and "gatehouse-demo" not in bare.shown
