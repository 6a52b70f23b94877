"""Catches letters and shows them, for the demo and for places without a mail server.

Letters lie in a Maildir, at most 500 of them, so that any mail program reads them too. A letter that comes again
under the same Message-ID is the same letter.
"""

import asyncio
import hashlib
import html
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

MOST_LETTERS = 500
LARGEST_LETTER = 5_000_000
IDLE_S = 60
PNG = b"\x89PNG\r\n\x1a\n"
SAFELY = {
    "content-security-policy": "default-src 'none'; img-src 'self'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Maildir:
    """The letters of one folder, the newest first."""

    def __init__(self, folder: Path, *, most: int = MOST_LETTERS) -> None:
        self._folder = folder
        self._most = most
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def add(self, raw: bytes) -> str:
        """Store a letter for good and return its key; one that is there already stays as it is."""
        named = message_from_bytes(raw, policy=policy.compat32)["Message-ID"]
        key = hashlib.sha256(str(named).encode() if named else raw).hexdigest()[:24]
        place = self._folder / "new" / key
        if not place.exists():
            self._write(place, raw)
            for old in self.newest()[self._most :]:
                (self._folder / "new" / old).unlink(missing_ok=True)
        return key

    def newest(self) -> list[str]:
        """Return the keys of all letters."""
        with os.scandir(self._folder / "new") as found:
            ages = sorted(((one.stat().st_mtime_ns, one.name) for one in found), reverse=True)
        return [name for _, name in ages]

    def letter(self, key: str) -> EmailMessage | None:
        """Return a letter, if there is one of this key."""
        if not key.isalnum():
            return None
        try:
            raw = (self._folder / "new" / key).read_bytes()
        except FileNotFoundError:
            return None
        read = message_from_bytes(raw, policy=policy.default)
        assert isinstance(read, EmailMessage), "the default policy makes these"
        return read

    def _write(self, place: Path, raw: bytes) -> None:
        draft = self._folder / "tmp" / place.name
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Mailbox:
    """A mail server that takes every letter and keeps it, and the pages to read them on."""

    def __init__(self, letters: Maildir, port: int) -> None:
        self.port = port
        self.pages = pages(letters)

    @classmethod
    @asynccontextmanager
    async def start(cls, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> "AsyncIterator[Mailbox]":
        """Take letters on ``port``, 0 being any free one, until the block ends."""
        letters = Maildir(folder)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _receiver(letters, loop), host, port)
        try:
            yield cls(letters, server.sockets[0].getsockname()[1])
        finally:
            server.close()


class _Keeper:
    """What aiosmtpd asks for each letter."""

    def __init__(self, letters: Maildir) -> None:
        self._letters = letters

    # The name and signature are aiosmtpd's.
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        key = await asyncio.to_thread(self._letters.add, envelope.original_content)
        return f"250 OK kept as {key}"


def _receiver(letters: Maildir, loop: asyncio.AbstractEventLoop) -> Any:
    return SMTP(
        _Keeper(letters),
        data_size_limit=LARGEST_LETTER,
        enable_SMTPUTF8=True,
        hostname="gatehouse",
        ident="Gatehouse mailbox",
        timeout=IDLE_S,
        loop=loop,
    )


def pages(letters: Maildir) -> Starlette:
    """Return the pages: the list at ``/``, a letter at ``/{key}``, its pictures at ``/{key}/{number}``."""

    async def show_list(request: Request) -> Response:
        return _page("Letters", await asyncio.to_thread(_list, letters))

    async def show_letter(request: Request) -> Response:
        letter = await asyncio.to_thread(letters.letter, request.path_params["key"])
        if letter is None:
            raise HTTPException(404)
        return _page(_subject(letter), _shown(letter, request.path_params["key"]))

    async def show_picture(request: Request) -> Response:
        letter = await asyncio.to_thread(letters.letter, request.path_params["key"])
        pictures = _pictures(letter) if letter else []
        number = request.path_params["number"]
        if not 0 <= number < len(pictures):
            raise HTTPException(404)
        return Response(pictures[number], media_type="image/png", headers=SAFELY)

    return Starlette(
        routes=[
            Route("/", show_list),
            Route("/{key}", show_letter),
            Route("/{key}/{number:int}", show_picture),
        ]
    )


def _page(title: str, body: str) -> HTMLResponse:
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title>'
    return HTMLResponse(f"{head}<h1>{html.escape(title)}</h1>{body}", headers=SAFELY)


def _list(letters: Maildir) -> str:
    found = ((key, letters.letter(key)) for key in letters.newest())
    lines = [_line(key, letter) for key, letter in found if letter is not None]
    return f"<ol>{''.join(lines)}</ol>" if lines else "<p>No letter yet.</p>"


def _line(key: str, letter: EmailMessage) -> str:
    about = html.escape(f"{_header(letter, 'Date')} to {_header(letter, 'To')}")
    return f'<li><a href="{key}">{html.escape(_subject(letter))}</a> <small>{about}</small></li>'


def _shown(letter: EmailMessage, key: str) -> str:
    about = "".join(f"{name}: {html.escape(_header(letter, name))}\n" for name in ("From", "To", "Date"))
    pictures = "".join(f'<p><img src="{key}/{n}" alt=""></p>' for n in range(len(_pictures(letter))))
    return f"<pre>{about}</pre><pre>{html.escape(_text(letter))}</pre>{pictures}<p><a href='.'>All letters</a></p>"


def _subject(letter: EmailMessage) -> str:
    return _header(letter, "Subject") or "(no subject)"


def _header(letter: EmailMessage, name: str) -> str:
    """Return a header as text; what strangers write may be no header at all."""
    try:
        return str(letter[name] or "")
    except (ValueError, IndexError, LookupError, TypeError, AttributeError):
        return "(unreadable)"


def _text(letter: EmailMessage) -> str:
    try:
        body = letter.get_body(preferencelist=("plain", "html"))
        return str(body.get_content()) if body is not None else ""
    except (ValueError, IndexError, LookupError, TypeError, AttributeError):
        return "(unreadable)"


def _pictures(letter: EmailMessage) -> Sequence[bytes]:
    contents = (
        part.get_payload(decode=True) for part in letter.walk() if part.get_content_type() == "image/png"
    )
    return [content for content in contents if isinstance(content, bytes) and content.startswith(PNG)]
