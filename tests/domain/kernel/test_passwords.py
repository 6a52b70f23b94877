"""Passwords are hashed off the loop, and a flood of them is refused."""

import asyncio

import pytest

from domain.kernel.errors import Busy
from domain.kernel.passwords import Passwords


def cheap(**more: int) -> Passwords:
    return Passwords(memory_kib=8, rounds=1, **more)


async def test_a_password_matches_its_own_hash_only():
    passwords = cheap()
    stored = await passwords.hash("correct horse")

    assert await passwords.matches(stored, "correct horse")
    assert not await passwords.matches(stored, "wrong horse")
    assert stored != await passwords.hash("correct horse")


@pytest.mark.parametrize("stored", [None, "", "no hash at all"])
async def test_without_a_stored_hash_nothing_matches(stored: str | None):
    passwords = cheap()

    assert not await passwords.matches(stored, "nobody has this password")


async def test_a_flood_is_refused_and_what_waits_is_done():
    passwords = cheap(threads=1, waiting=4)

    answers = await asyncio.gather(*(passwords.hash("x") for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(answer, Busy) for answer in answers) == 15
    assert isinstance(await passwords.hash("x"), str)
