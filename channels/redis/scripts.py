"""The scripts that Redis runs for us, each one act that nothing can come between."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

LUA: Final = Path(__file__).parent / "lua"


class Script(Struct, frozen=True):
    """A script and the name Redis knows it by."""

    body: str
    sha: str


@cache
def script(*parts: str) -> Script:
    """Read a script that is put together of these files."""
    body = "".join((LUA / f"{part}.lua").read_text() for part in parts)
    return Script(body, hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest())


PUBLISH: Final = script("publish")
HISTORY: Final = script("history")
ARRIVE: Final = script("gone", "arrive")
LEAVE: Final = script("gone", "leave")
PRESENCE: Final = script("gone", "presence")
ATTENDANCE: Final = script("gone", "attendance")
ALL: Final = (PUBLISH, HISTORY, ARRIVE, LEAVE, PRESENCE, ATTENDANCE)
