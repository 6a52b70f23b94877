"""The pages under /app/."""

from pathlib import Path

import pytest

from tests.served import Served, served_house


@pytest.fixture
def dashboard(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>the dashboard</title>")
    (tmp_path / "assets" / "main-1a2b.js").write_text("1")
    (tmp_path / "mark.svg").write_text("<svg/>")
    return tmp_path


async def test_the_bare_address_leads_to_the_pages(served: Served):
    for path in ("/", "/app"):
        answer = await served.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, "/app/")


async def test_without_a_build_a_page_helps(served: Served):
    answer = await served.http.get("/app/")
    assert answer.status_code == 503 and "make dashboard" in answer.text


async def test_every_route_of_the_dashboard_gets_its_page(database: str, dashboard: Path):
    async with served_house(database, dashboard=dashboard) as served:
        for path in ("/app/", "/app/sites/3/gates", "/app/index.html"):
            answer = await served.http.get(path)
            assert (answer.status_code, answer.text) == (200, "<title>the dashboard</title>")
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-security-policy"].startswith("default-src 'self';")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"


async def test_assets_are_kept_for_ever_and_missing_ones_are_missing(database: str, dashboard: Path):
    async with served_house(database, dashboard=dashboard) as served:
        found = await served.http.get("/app/assets/main-1a2b.js")
        assert found.text == "1" and "immutable" in found.headers["cache-control"]
        assert found.headers["content-type"].startswith("text/javascript")
        missing = await served.http.get("/app/assets/main-old.js")
        assert missing.status_code == 404 and "immutable" not in missing.headers.get("cache-control", "")
        outside = await served.http.get("/app/..%2f..%2fetc/passwd")
        assert "root:" not in outside.text
        assert (await served.http.post("/app/")).status_code == 405
