"""The door of a fleet answers what it is asked, and says plainly what it cannot do.

Proves: simulators/control.py, simulators/presented.py
"""

import asyncio
from pathlib import Path

import pytest

from simulators import control
from simulators.control import NoFleet, NotPresented, Request, Sound, door, present, sound
from simulators.presented import Presented

ANSWER = Presented(
    gate_id=1,
    verdict="admit",
    reason="ok",
    text="Welcome.",
    action="Please walk through.",
    passed=True,
    source="online",
    request_id="ab",
    seq=3,
    milliseconds=1.5,
)


async def silent(asked: Sound) -> None:
    return None


async def test_a_request_comes_back_answered(tmp_path: Path):
    asked = list[Request]()

    async def show(request: Request) -> Presented:
        asked.append(request)
        return ANSWER

    async with door(tmp_path / "run" / "fleet.sock", show, silent):
        answer = await present(tmp_path / "run" / "fleet.sock", 1, "token", "out", walk=False)

    assert answer == ANSWER
    assert asked == [Request(gate_id=1, token="token", direction="out", walk=False)]


async def test_the_door_is_for_its_owner_only_and_is_gone_afterwards(tmp_path: Path):
    async def show(request: Request) -> Presented:
        return ANSWER

    async with door(tmp_path / "s", show, silent):
        assert (tmp_path / "s").stat().st_mode & 0o077 == 0

    with pytest.raises(NoFleet, match="no fleet answers at"):
        await present(tmp_path / "s", 1, "token")


async def test_a_door_left_over_from_a_killed_fleet_is_no_fleet_and_no_hindrance(tmp_path: Path):
    async def show(request: Request) -> Presented:
        return ANSWER

    server = await asyncio.start_unix_server(lambda *_: None, tmp_path / "s")
    server.close()
    await server.wait_closed()
    with pytest.raises(NoFleet):
        await present(tmp_path / "s", 1, "token")

    async with door(tmp_path / "s", show, silent):
        assert await present(tmp_path / "s", 1, "token") == ANSWER


async def test_what_cannot_be_shown_is_said(tmp_path: Path):
    async def show(request: Request) -> Presented:
        raise NotPresented("the fleet has no gate 9; it has 1, 2")

    async with door(tmp_path / "s", show, silent):
        with pytest.raises(NotPresented, match="it has 1, 2"):
            await present(tmp_path / "s", 9, "token")


@pytest.mark.parametrize("line", [b"junk\n", b'{"gateId":"x"}\n', b"\xff\n", b"x" * 100_000 + b"\n", b""])
async def test_junk_at_the_door_gets_an_error_and_the_door_stays_open(tmp_path: Path, line: bytes):
    async def show(request: Request) -> Presented:
        return ANSWER

    async with door(tmp_path / "s", show, silent):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(line)
        writer.write_eof()
        answer = await reader.readline()
        writer.close()

        assert b'"error"' in answer
        assert await present(tmp_path / "s", 1, "token") == ANSWER


async def test_a_gate_that_never_finishes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control, "DEADLINE_S", 0.05)

    async def show(request: Request) -> Presented:
        await asyncio.Event().wait()
        return ANSWER

    async with door(tmp_path / "s", show, silent):
        with pytest.raises(NotPresented, match="did not finish"):
            await present(tmp_path / "s", 1, "token")


async def test_an_alarm_is_switched_through_the_door(tmp_path: Path):
    asked = list[Sound]()

    async def show(request: Request) -> Presented:
        return ANSWER

    async def ring(request: Sound) -> None:
        if request.gate_id == 9:
            raise NotPresented("the fleet has no gate 9")
        asked.append(request)

    async with door(tmp_path / "s", show, ring):
        await sound(tmp_path / "s", 1, "held_open", on=True)
        with pytest.raises(NotPresented, match="no gate 9"):
            await sound(tmp_path / "s", 9, "held_open", on=True)

    assert asked == [Sound(gate_id=1, alarm="held_open", on=True)]
