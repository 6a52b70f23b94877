"""Every route names an operation that exists, takes its ids from the path, and answers."""

import pytest

from domain.catalogue import CATALOGUE
from server.routes import ROUTES, Route
from tests.served import Served, served_house

EVERY = [pytest.param(route, id=f"{route.method} {route.path}") for route in ROUTES]


@pytest.mark.parametrize("route", EVERY)
def test_it_names_an_operation_and_its_parameters(route: Route):
    operation = CATALOGUE.operations[route.operation]
    assert set(route.parameters) <= set(operation.params.__struct_fields__)
    assert (route.method == "GET") == operation.reads, "what is got changes nothing"


@pytest.mark.parametrize("operation", sorted(CATALOGUE.operations))
def test_an_operation_has_one_path_at_most(operation: str):
    assert len([route for route in ROUTES if route.operation == operation]) <= 1


async def test_every_route_answers(database: str):
    async with served_house(database) as served:
        admin = await served.admin()
        for route in ROUTES:
            for headers in (admin, {}):
                status, words = await _ask(served, route, headers)
                assert status < 500 and status != 405, (route, words)
                assert "There is nothing at" not in words and "There is no operation" not in words, route


async def _ask(served: Served, route: Route, headers: dict[str, str]) -> tuple[int, str]:
    path = route.path.format(**dict.fromkeys(route.parameters, 999))
    content = None if route.method == "GET" else b"{}"
    answer = await served.http.request(
        route.method, path, content=content, headers={"Content-Type": "application/json", **headers}
    )
    return answer.status_code, answer.text
