"""Requests that documents of the systems we stand in for show as examples: they work as they are written."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.journeys.house import House, calling, running_house

JSON = {"Content-Type": "application/json"}
REGISTER = """{
    "username": "user1",
    "email": "user1@example.com",
    "password": "password123",
    "first_name": "Иван",
    "last_name": "Иванов"
  }"""
LOGIN = """{
    "email": "user1@example.com",
    "password": "password123"
  }"""


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house(demo=False) as up:
        yield up


@pytest.fixture(scope="module")
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(house) as client:
        yield client


@pytest.mark.parametrize(("prefix", "name"), [("", "user1"), ("/api", "user2")])
async def test_registering_and_signing_in_work_as_written(http: httpx2.AsyncClient, prefix: str, name: str):
    registered = await http.post(
        f"{prefix}/auth/register", content=REGISTER.replace("user1", name).encode(), headers=JSON
    )
    signed_in = await http.post(
        f"{prefix}/auth/login", content=LOGIN.replace("user1", name).encode(), headers=JSON
    )

    assert registered.status_code == 201, registered.text
    assert signed_in.status_code == 200, signed_in.text
    tokens = signed_in.json()
    assert tokens["tokenType"] == "Bearer" and tokens["refreshToken"]
    me = await http.get(f"{prefix}/auth/me", headers={"Authorization": f"Bearer {tokens['accessToken']}"})
    assert (me.json()["firstName"], me.json()["lastName"]) == ("Иван", "Иванов")


async def test_the_same_person_cannot_register_twice(http: httpx2.AsyncClient):
    body = REGISTER.replace("user1", "user3").encode()
    first = await http.post("/auth/register", content=body, headers=JSON)
    second = await http.post("/auth/register", content=body, headers=JSON)

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    "path", ["/health", "/user-service/health", "/auth-service/health", "/gateway-service/health"]
)
async def test_each_service_tells_its_health(http: httpx2.AsyncClient, prefix: str, path: str):
    answer = await http.get(prefix + path)

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_a_service_that_nobody_knows_has_no_health(http: httpx2.AsyncClient):
    answer = await http.get("/teapot-service/health")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
