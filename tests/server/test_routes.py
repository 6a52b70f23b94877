"""The table of routes finds paths word by word."""

import pytest

from server.routes import Route, Table

TABLE = Table(
    [
        Route("GET", "/things", "a.list"),
        Route("POST", "/things", "a.make"),
        Route("GET", "/things/{thing_id}", "a.get"),
        Route("GET", "/things/latest", "a.latest"),
        Route("POST", "/things/{thing_id}/parts/{part_id}/turn", "a.turn"),
    ]
)


def test_a_path_leads_to_its_routes_by_method():
    place = TABLE.find("/things")
    assert place is not None
    assert {method: route.operation for method, route in place.routes.items()} == {
        "GET": "a.list",
        "POST": "a.make",
    }
    assert place.allow == "GET, HEAD, POST"


def test_the_prefix_is_optional():
    assert TABLE.find("/api/things") == TABLE.find("/things")


def test_ids_are_found_in_order():
    place = TABLE.find("/things/7/parts/8/turn")
    assert place is not None and place.ids == (7, 8)
    assert place.routes["POST"].parameters == ("thing_id", "part_id")


def test_a_fixed_word_goes_before_an_id():
    place = TABLE.find("/things/latest")
    assert place is not None and place.routes["GET"].operation == "a.latest"


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/nothing", "/things/x", "/things/-1", "/things/٣", f"/things/{10**18}", "/things/7/parts"],
)
def test_other_paths_lead_nowhere(path: str):
    assert TABLE.find(path) is None


def test_a_route_stands_in_the_table_once():
    with pytest.raises(ValueError, match="twice"):
        Table([Route("GET", "/things", "a.list"), Route("GET", "/things/", "a.other")])
