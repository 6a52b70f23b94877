"""How the text of a setting is read; a reader complains by a ValueError that says what the text must be."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

# Any: a value is of whatever type its row reads it as.
Reader = Callable[[str], Any]


def text_of(text: str) -> str:
    """Read any text."""
    return text


def words_of(text: str) -> tuple[str, ...]:
    """Read words with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def path_of(text: str) -> Path:
    """Read the path of a file or a directory."""
    return Path(text).expanduser()


def number_within(low: int, high: int) -> Reader:
    """Return what reads a whole number in these bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def one_of(
    choices: Any, change: Callable[[str], str]
) -> Reader:  # Any: what a Literal is to the type checker
    """Return what reads one of the choices of a Literal."""

    def read(text: str) -> str:
        if change(text) not in get_args(choices):
            raise ValueError("one of " + ", ".join(get_args(choices)))
        return change(text)

    return read


def url_of(*schemes: str) -> Reader:
    """Return what reads an address of one of these kinds, with hosts and ports that there may be."""

    def read(text: str) -> str:
        scheme, _, rest = text.partition("://")
        scheme = scheme.lower()
        if scheme not in schemes:
            raise ValueError(
                "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
            )
        account = (_LOOSE_ACCOUNT if scheme in POSTGRES else _ACCOUNT).match(rest)
        places = re.split("[/?#]", rest[account.end() :] if account else rest, maxsplit=1)[0]
        for place in places.split(",") if scheme in SEVERAL else [places]:
            _check_place(place, may_be_empty=scheme in HOSTLESS)
        return text

    return read


def _check_place(text: str, *, may_be_empty: bool) -> None:
    found = _PLACE.fullmatch(text)
    if found is None or not (found["host"] or may_be_empty):
        raise ValueError("an address whose host is a name or an IP, with a port after a colon or without one")
    if found["port"] is not None:
        try:
            PORT(found["port"])
        except ValueError as problem:
            raise ValueError(f"an address whose port is {problem}") from None


def shards_of(text: str) -> tuple[int, ...]:
    """Read numbers of shards with commas between them."""
    try:
        return tuple(_SHARD(word) for word in words_of(text))
    except ValueError:
        raise ValueError(f"whole numbers from 0 to {LAST_SHARD} with commas between them") from None


LAST_SHARD = 999
_SHARD = number_within(0, LAST_SHARD)
PORT = number_within(1, 65_535)
SECONDS = number_within(1, 10 * 365 * 86_400)
POSTGRES = ("postgresql", "postgres", "postgresql+asyncpg")
SEVERAL = ("redis", "rediss")
"""May name members of a cluster."""
HOSTLESS = ("unix", *SEVERAL, *POSTGRES)
"""May mean a socket, or this machine."""
_ACCOUNT = re.compile(r"[^/?#]*@")
_LOOSE_ACCOUNT = re.compile(r"[^:/@]*(:[^@]*)?@")
"""Of a database: there a password may have a slash in it."""
_PLACE = re.compile(r"(?P<host>\[[\w:.%]+\]|[^\s,:\[\]]*)(?::(?P<port>.*))?")
