"""The whole process: proxies, the seeds' lines as written, and its end."""

from domain.kernel.tools import Policy
from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import PASSWORD, Served, served_house


async def test_the_seeds_lines_register_and_log_in(served: Served):
    given = {
        "username": "newuser",
        "email": "user@example.com",
        "password": "secure_password",
        "first_name": "Иван",
        "last_name": "Иванов",
    }
    made = await served.http.post("/auth/register", json=given)
    assert (made.status_code, made.json()["firstName"]) == (201, "Иван")
    login = {"email": "user@example.com", "password": "secure_password"}
    answer = await served.http.post("/auth/login", json=login)
    assert answer.status_code == 200 and {"accessToken", "refreshToken"} <= set(answer.json())
    assert answer.json()["expiresIn"] == Policy().access_token_s


async def test_a_trusted_proxy_tells_the_scheme(database: str):
    async with served_house(database, trusted_proxies=["127.0.0.1"]) as served:
        assert "Secure" in await _cookie(served)


async def test_others_are_not_believed(database: str):
    async with served_house(database, trusted_proxies=["10.0.0.0/8"]) as served:
        assert "Secure" not in await _cookie(served)


async def test_a_process_that_ends_says_so_and_sends_its_sockets_away(served: Served):
    member, seen = await served.sign_up(), Seen()
    async with connected(served, member, seen):
        await served.app.state.drain()
        await eventually(lambda: 3001 in seen.reconnects)
        ready = await served.http.get("/health/ready")
        assert (ready.status_code, ready.json()["parts"]["process"]) == (503, "draining")
        assert (await served.http.get("/auth/me", headers=member)).status_code == 200


async def test_there_is_one_socket_and_no_other(served: Served):
    answer = await served.http.get("/connection/websocket")
    assert answer.status_code in (404, 426)


async def _cookie(served: Served) -> str:
    await served.sign_up("ann")
    ann = {"email": "ann@example.com", "password": PASSWORD}
    answer = await served.http.post("/app/session", json=ann, headers={"X-Forwarded-Proto": "https"})
    return str(answer.headers["set-cookie"])
