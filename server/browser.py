"""The pages: the built dashboard under `/app/`, and a page that helps where it is not built."""

from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.kernel.errors import NotFound
from server.problems import MethodNotAllowed, problem_response

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FOREVER: Final = "public, max-age=31536000, immutable"

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Gatehouse</title>
<h1>The dashboard is not built yet</h1>
<p>The server runs and answers at <a href="/api/sites">/api</a>; only its pages are missing.</p>
<p>Build them with <code>make dashboard</code> (it needs npm), then load this page again.
<code>make run</code> does so by itself.</p>
</html>
"""


class Pages:
    """Static files of ``folder``; a path that is no file is a route of the dashboard and gets its index."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _guarded(await self._find(scope), scope, receive, send)

    async def _find(self, scope: Scope) -> ASGIApp:
        if scope["method"] not in ("GET", "HEAD"):
            refusal = MethodNotAllowed("Pages are only read")
            return problem_response(refusal, {"Allow": "GET, HEAD"})
        if not (self._folder / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, 503, {"Cache-Control": "no-store"})
        # The folder may be built while we run, so it is looked at anew; its files are few.
        files = StaticFiles(directory=self._folder)
        path = files.get_path(scope)
        try:
            found = await files.get_response(path, scope)
        except HTTPException:
            if path.startswith("assets/"):
                return problem_response(NotFound("There is no such file"))
            found = await files.get_response("index.html", scope)
        return _kept(found, FOREVER if path.startswith("assets/") else "no-cache")


def _kept(response: Response, words: str) -> Response:
    response.headers["Cache-Control"] = words
    return response


async def _guarded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    await app(scope, receive, answer)


async def to_pages(request: Request) -> Response:
    """Lead from the bare address to the pages."""
    return RedirectResponse("/app/", 302)
