"""Requests have ids, lines in the log, and an end whatever happens."""

from typing import Any

import httpx2
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.correlation import Correlation, correlation_of


async def tell(request: Request) -> Response:
    return PlainTextResponse(correlation_of(request.scope))


async def fail(request: Request) -> Response:
    raise ZeroDivisionError("a secret of ours")


APP = Starlette(
    routes=[Route("/tell", tell), Route("/fail", fail)], middleware=[Middleware(Correlation)], debug=False
)


async def ask(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=APP)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


async def test_an_id_comes_in_and_goes_out():
    answer = await ask("/tell", X_Request_Id="abc.1")
    assert answer.text == answer.headers["x-request-id"] == "abc.1"


@pytest.mark.parametrize("junk", ["", "a b", "x" * 65, "<script>"])
async def test_an_id_that_could_break_a_log_is_replaced(junk: str):
    answer = await ask("/tell", X_Request_Id=junk)
    assert answer.text == answer.headers["x-request-id"] != junk


async def test_a_defect_is_told_without_details_and_logged_with_them():
    with structlog.testing.capture_logs() as lines:
        answer = await ask("/fail?token=secret", X_Request_Id="abc")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text and "Traceback" not in answer.text and "abc" in answer.text
    failed, request = lines
    assert failed["exc_info"] and request["event"] == "request"
    known: dict[str, Any] = {"method": "GET", "path": "/fail", "status": 500}
    assert {name: request[name] for name in known} == known and "secret" not in str(request)
