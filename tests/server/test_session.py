"""The browser's session: the refresh token stays in a cookie that only its path gets."""

from http.cookies import SimpleCookie

import httpx2

from server.session import COOKIE
from tests.served import PASSWORD, Served

ANN = {"email": "ann@example.com", "password": PASSWORD}


def cookie(answer: httpx2.Response) -> str:
    return answer.headers["set-cookie"]


def value(answer: httpx2.Response) -> str:
    return SimpleCookie(cookie(answer))[COOKIE].value


async def test_signing_in_gives_an_access_token_and_hides_the_other(served: Served):
    await served.sign_up("ann")
    answer = await served.http.post("/app/session", json=ANN)
    assert set(answer.json()) == {"accessToken", "expiresIn"}
    for word in ("HttpOnly", "SameSite=strict", "Path=/app/session", "Max-Age=604800"):
        assert word in cookie(answer)
    assert "Secure" not in cookie(answer) and value(answer)
    headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    assert (await served.http.get("/api/auth/me", headers=headers)).json()["email"] == "ann@example.com"


async def test_the_session_goes_on_by_its_cookie(served: Served):
    await served.sign_up("ann")
    first = await served.http.post("/app/session", json=ANN)
    served.http.cookies.clear()
    with_cookie = {"Cookie": f"{COOKIE}={value(first)}"}
    again = await served.http.post("/app/session/refresh", headers=with_cookie)
    assert again.status_code == 200 and value(again) != value(first)


async def test_without_a_cookie_there_is_nothing_to_go_on_with_and_no_error(served: Served):
    answer = await served.http.post("/app/session/refresh")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers


async def test_a_worthless_cookie_is_refused_and_taken(served: Served):
    answer = await served.http.post("/app/session/refresh", headers={"Cookie": f"{COOKIE}=worthless"})
    assert answer.status_code == 401 and "Max-Age=0" in cookie(answer)


async def test_signing_out_ends_the_session_and_takes_the_cookie(served: Served):
    await served.sign_up("ann")
    first = await served.http.post("/app/session", json=ANN)
    with_cookie = {"Cookie": f"{COOKIE}={value(first)}"}
    served.http.cookies.clear()
    ended = await served.http.delete("/app/session", headers=with_cookie)
    assert ended.status_code == 204 and "Max-Age=0" in cookie(ended)
    assert (await served.http.post("/app/session/refresh", headers=with_cookie)).status_code == 401
    assert (await served.http.delete("/app/session", headers=with_cookie)).status_code == 204
    assert (await served.http.delete("/app/session")).status_code == 204


async def test_a_wrong_password_is_refused(served: Served):
    answer = await served.http.post("/app/session", json={**ANN, "password": "something else"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_pages_of_others_cannot_ask(served: Served):
    answer = await served.http.post("/app/session", json=ANN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


async def test_other_methods_are_named(served: Served):
    answer = await served.http.get("/app/session")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, POST")
