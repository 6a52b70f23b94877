"""What docs/rules.md tells managers exists: its calls, their fields, the rules in their order and the reasons.

Proves: docs/rules.md
"""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.access.rules.reasons import Reason
from domain.access.rules.requirements import REQUIREMENTS
from domain.catalogue import CATALOGUE
from domain.kernel import params
from server.routes import Table

DOCUMENT = (Path(__file__).parents[4] / "docs" / "rules.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
CALLS = [
    call for block in SHELL for call in re.findall(r"^curl .*?(?=^curl |\Z)", block, re.DOTALL | re.MULTILINE)
]


def spoken(call: str) -> tuple[str, str, dict[str, Any]]:
    """Returns method, path with query, and body of a call."""
    words = iter(shlex.split(call)[1:])
    method, path, body = "", "", None
    for word in words:
        match word:
            case "-H":
                next(words)
            case "-X":
                method = next(words)
            case "--json":
                body = msgspec.json.decode(next(words))
            case _:
                path = word.removeprefix("$API")
    return method or ("GET" if body is None else "POST"), path, body or {}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_is_one_that_the_server_reads(call: str):
    method, address, body = spoken(call)
    path, _, query = address.partition("?")

    place = Table().find(path)
    assert place is not None, path
    route = place.routes[method]
    operation = CATALOGUE.operations[route.operation]
    given = (
        dict(zip(route.parameters, place.ids, strict=True)) | body | dict(re.findall(r"(\w+)=([^&]+)", query))
    )
    params.read(given, operation.params, operation.aliases)


def test_the_rules_stand_in_the_order_in_which_they_are_asked():
    table = DOCUMENT.split("## The rules, in their order")[1]
    rows = re.findall(r"^\| `(\w+)` \| .* \|$", table.split("###")[0], re.MULTILINE)

    assert rows == [name for name, _ in REQUIREMENTS]


def test_every_reason_of_a_rule_is_named():
    named = set(re.findall(r"`(\w+)`", DOCUMENT))

    assert set(Reason) - named == {Reason.OK, Reason.INTERNAL}
