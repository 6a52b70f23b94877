"""Guests of the demo's day: as many as make a lively house, expected anew before their passes end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.kernel.runtime import Runtime
from gatehouse.demo.place import HOUSE, Place

LASTS = timedelta(hours=24)
RENEWED_BEFORE = timedelta(hours=12)
NAMES = [
    "Ada Byron",
    "Alan Moore",
    "Alexei Sokolov",
    "Amira Haddad",
    "Anton Belov",
    "Beatrice Rossi",
    "Carlos Mendes",
    "Daria Kozlova",
    "David Klein",
    "Elena Fedorova",
    "Erik Nilsson",
    "Fatima Zahra",
    "Galina Pavlova",
    "Hana Sato",
    "Igor Makarov",
    "Ingrid Berg",
    "Ivan Kuznetsov",
    "Jamal Wright",
    "Julia Novak",
    "Kirill Morozov",
    "Larisa Popova",
    "Liam Murphy",
    "Lucia Ferrari",
    "Marek Dvorak",
    "Nadia Petit",
    "Nikolai Vasiliev",
    "Oksana Melnyk",
    "Pavel Egorov",
    "Priya Nair",
    "Rosa Alvarez",
    "Sergei Titov",
    "Sofia Lang",
    "Tatiana Zaitseva",
    "Tom Becker",
    "Vera Romanova",
    "Yuki Tanaka",
]


async def expect(runtime: Runtime, place: Place) -> Sequence[str]:
    """Return the tokens of the day's guests, asking for passes where those there are end too soon."""
    now = runtime.clock()
    passes = [one for one in await _passes(runtime, place) if _good(one, now + RENEWED_BEFORE)]
    known = {one.guest_name for one in passes}
    tokens = [
        (await runtime.call(HOUSE, "access.get_guest_pass", {"guestPassId": one.guest_pass_id})).qr_token
        for one in passes
    ]
    for number, name in enumerate(NAMES):
        if name not in known:
            tokens.append(await _ask(runtime, place, name, place.hosts[number % len(place.hosts)], now))
    return tokens


async def _passes(runtime: Runtime, place: Place) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        asked = {"siteId": place.site_id, "limit": 200, "cursor": cursor}
        listed = await runtime.call(HOUSE, "access.list_guest_passes", asked)
        found += listed.items
        cursor = listed.next_cursor
        oldest = found[-1].end if found else None
        if cursor is None or (oldest is not None and oldest < runtime.clock()):
            return [one for one in found if one.host_user_id in place.hosts]


def _good(one: Any, until: datetime) -> bool:
    return bool(one.revoked_at is None and one.end > until)


async def _ask(runtime: Runtime, place: Place, name: str, host: int, now: datetime) -> str:
    asked = {
        "hostUserId": host,
        "siteId": place.site_id,
        "guestName": name,
        "start": (now - timedelta(minutes=5)).isoformat(),
        "end": (now + LASTS).isoformat(),
    }
    made = await runtime.call(HOUSE, "access.create_guest_pass", asked)
    return str(made.qr_token)
