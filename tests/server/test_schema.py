"""The description of the HTTP interface is valid OpenAPI and holds every route."""

import json

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from domain.catalogue import CATALOGUE
from server.routes import ROUTES
from server.schema import openapi
from tests.served import Served

DESCRIBED = json.loads(msgspec.json.encode(openapi(CATALOGUE.operations, ROUTES, version="1")))


def test_it_is_valid():
    OpenAPIV31SpecValidator(DESCRIBED).validate()


def test_it_holds_every_operation_that_people_may_call():
    described = {way["operationId"] for path in DESCRIBED["paths"].values() for way in path.values()}
    open_to_people = {n for n, o in CATALOGUE.operations.items() if not o.allow <= {"service", "device"}}
    assert open_to_people <= described
    assert "identity.identify" not in described


def test_ids_stand_in_the_path_and_the_rest_in_the_body():
    way = DESCRIBED["paths"]["/sites/{siteId}"]["put"]
    assert [p["name"] for p in way["parameters"] if p["in"] == "path"] == ["siteId"]
    body = way["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"name", "timeZone"} and way["security"] == [{"bearer": []}]


async def test_it_is_served(served: Served):
    assert (await served.http.get("/api/openapi.json")).json()["openapi"] == "3.1.0"
