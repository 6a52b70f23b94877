"""The description of the HTTP interface, made from the catalogue and the table of routes: OpenAPI 3.1.

Beside it stands that of the devices' protocol, which others make.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Door

from domain.kernel.errors import FieldProblem
from domain.kernel.operations import Operation
from domain.kernel.params import camel
from server.problems import MEDIA
from server.routes import ROUTES, Route

INTERNAL: Final = frozenset({"service", "device"})
KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key again gets the first answer; with other content it gets 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class Problem(msgspec.Struct, frozen=True):
    """A refusal, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def descriptions(
    operations: Mapping[str, Operation], *, version: str, devices: Mapping[str, Any] | None = None
) -> list[Door]:
    """Return the routes at which descriptions are served, made once: of HTTP, and of what ``devices`` speak."""
    told = {"openapi.json": openapi(operations, ROUTES, version=version)}
    if devices is not None:
        told["asyncapi.json"] = dict(devices)
    return [
        Door(f"{root}/{name}", partial(_describe, msgspec.json.encode(document)))
        for name, document in told.items()
        for root in ("", "/api")
    ]


async def _describe(content: bytes, request: Request) -> Response:
    return Response(content, media_type="application/json")


def openapi(operations: Mapping[str, Operation], routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Describe every route, and by `/rpc/` every operation open to people that has none."""
    shown = [route for route in routes if route.operation in operations]
    placed = {route.operation for route in shown}
    shown += [
        Route("POST", f"/rpc/{name}", name)
        for name, operation in operations.items()
        if name not in placed and not operation.allow <= INTERNAL
    ]
    types = [operations[route.operation].params for route in shown]
    results = [operations[route.operation].result for route in shown]
    schemas, components = msgspec.json.schema_components(
        [Problem, *types, *results], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    inputs, outputs = schemas[1 : len(shown) + 1], schemas[len(shown) + 1 :]
    for route, given, answer in zip(shown, inputs, outputs, strict=True):
        operation = operations[route.operation]
        members = components[given["$ref"].rpartition("/")[2]]
        described = _operation(route, operation, members, answer, schemas[0])
        paths.setdefault(_path(route), {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gatehouse", "version": version},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(
    route: Route, operation: Operation, members: dict[str, Any], answer: Any, problem: Any
) -> dict[str, Any]:
    ids = [camel(name) for name in route.parameters]
    named = members.get("properties", {})
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": named[name]} for name in ids
    ]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary.partition("\n")[0],
        "description": operation.summary,
        "tags": [operation.name.partition(".")[0]],
        "responses": {
            str(route.status): _answer(route, answer),
            "default": {"description": "A refusal.", "content": {MEDIA: {"schema": problem}}},
        },
        "security": [] if "anonymous" in operation.allow else [{"bearer": []}],
    }
    required = members.get("required", [])
    rest = {name: schema for name, schema in named.items() if name not in ids}
    if route.method == "GET":
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in rest.items()
        ]
    elif rest:
        body = {"type": "object", "properties": rest, "required": [n for n in required if n in rest]}
        described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    if not operation.reads and operation.replays:
        parameters.append(KEY)
    return {**described, "parameters": parameters}


def _answer(route: Route, answer: Any) -> dict[str, Any]:
    words = HTTPStatus(route.status).phrase
    if route.media != "application/json":
        return {"description": words, "content": {route.media: {}}}
    if answer == {"type": "null"}:
        return {"description": f"{words}, without content"}
    return {"description": words, "content": {route.media: {"schema": answer}}}


def _path(route: Route) -> str:
    return re.sub(r"{(\w+)}", lambda found: "{" + camel(found[1]) + "}", route.path)
