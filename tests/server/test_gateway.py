"""HTTP over the table: inputs, answers, refusals, and what stands in headers."""

import json
from collections.abc import Awaitable

from tests.eventually import eventually
from tests.served import Served

SITE = {"name": "Harbour", "timeZone": "Europe/Moscow"}


async def test_a_path_answers_with_and_without_the_prefix(served: Served):
    admin = await served.admin()
    made = await served.http.post("/api/sites", json=SITE, headers=admin)
    assert (made.status_code, made.json()["name"]) == (201, "Harbour")
    for path in ("/sites", "/api/sites", "/sites/"):
        answer = await served.http.get(path, headers=admin)
        assert [site["name"] for site in answer.json()["items"]] == ["Harbour"]


async def test_a_body_may_be_written_in_snake_case(served: Served):
    body = {"name": "Harbour", "time_zone": "Asia/Tokyo"}
    made = await served.http.post("/sites", json=body, headers=await served.admin())
    assert made.json()["timeZone"] == "Asia/Tokyo"


async def test_a_query_is_read_by_the_types_of_the_operation(served: Served):
    admin = await served.admin()
    for name in ("One", "Two", "Three"):
        await served.http.post("/sites", json={"name": name}, headers=admin)
    page = (await served.http.get("/sites?limit=2", headers=admin)).json()
    assert [site["name"] for site in page["items"]] == ["One", "Two"]
    rest = (await served.http.get(f"/sites?limit=2&cursor={page['nextCursor']}", headers=admin)).json()
    assert ([site["name"] for site in rest["items"]], rest["nextCursor"]) == (["Three"], None)
    refused = await served.http.get("/sites?limit=many", headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "limit")


async def test_an_id_in_path_and_body_must_be_one(served: Served):
    admin = await served.admin()
    site_id = (await served.http.post("/sites", json=SITE, headers=admin)).json()["siteId"]
    same = {"site_id": site_id, "name": "Port"}
    changed = await served.http.put(f"/sites/{site_id}", json=same, headers=admin)
    assert changed.json()["name"] == "Port"
    other = {"siteId": site_id + 1, "name": "Port"}
    refused = await served.http.put(f"/sites/{site_id}", json=other, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "siteId")


async def test_refusals_are_problem_documents(served: Served):
    admin = await served.admin()
    cases = {
        "nowhere": (await served.http.get("/nowhere"), 404),
        "no such id": (await served.http.get("/sites/5", headers=admin), 404),
        "an id that is none": (await served.http.get("/sites/x", headers=admin), 404),
        "anonymous": (await served.http.get("/sites"), 401),
        "bad token": (await served.http.get("/sites", headers={"Authorization": "Bearer x"}), 401),
        "junk": (await served.http.post("/sites", content=b"{", headers=admin), 400),
        "wrong field": (await served.http.post("/sites", json={"nam": 1}, headers=admin), 422),
        "forbidden": (await served.http.post("/sites", json=SITE, headers=await served.sign_up()), 403),
        "method": (await served.http.delete("/sites", headers=admin), 405),
        "media": (await served.http.post("/sites", data={"name": "x"}, headers=admin), 415),
        "probe's method": (await served.http.post("/health"), 405),
    }
    for name, (answer, status) in cases.items():
        assert answer.status_code == status, name
        assert answer.headers["content-type"] == "application/problem+json", name
        problem = answer.json()
        assert problem["status"] == status and problem["type"] and problem["title"] and problem["detail"], (
            name
        )
    assert cases["method"][0].headers["allow"] == "GET, HEAD, POST"
    assert cases["anonymous"][0].headers["www-authenticate"] == "Bearer"
    assert {error["field"] for error in cases["wrong field"][0].json()["errors"]} == {"nam", "name"}


async def test_a_large_body_is_refused_whether_announced_or_not(served: Served):
    admin = {**await served.admin(), "Content-Type": "application/json"}
    body = json.dumps({"name": "x" * 10_000_000}).encode()

    async def chunks():
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    assert (await served.http.post("/sites", content=body, headers=admin)).status_code == 413
    assert (await served.http.post("/sites", content=chunks(), headers=admin)).status_code == 413
    assert (await served.http.get("/sites", headers=admin)).json()["items"] == []


async def test_a_key_again_gets_the_first_answer_and_with_other_content_none(served: Served):
    keyed = {**await served.admin(), "Idempotency-Key": "k1"}
    first = await served.http.post("/sites", json=SITE, headers=keyed)
    again = await served.http.post("/sites", json=SITE, headers=keyed)
    assert first.json() == again.json() and again.status_code == 201
    other = await served.http.post("/sites", json={"name": "Other"}, headers=keyed)
    assert (other.status_code, other.json()["type"]) == (422, "urn:gatehouse:problem:idempotency_key_reused")


async def test_what_was_read_has_a_tag_and_is_not_sent_twice(served: Served):
    admin = await served.admin()
    first = await served.http.get("/sites", headers=admin)
    tag = first.headers["etag"]
    again = await served.http.get("/sites", headers={**admin, "If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await served.http.post("/sites", json=SITE, headers=admin)
    changed = await served.http.get("/sites", headers={**admin, "If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["etag"] != tag


async def test_head_answers_like_get_without_content(served: Served):
    admin = await served.admin()
    answer = await served.http.head("/sites", headers=admin)
    assert (answer.status_code, answer.content) == (200, b"") and answer.headers["etag"]


async def test_a_request_keeps_its_id_and_gets_one_where_it_has_none(served: Served):
    given = await served.http.get("/health", headers={"X-Request-Id": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    junk = await served.http.get("/health", headers={"X-Request-Id": "a b\tc"})
    assert junk.headers["x-request-id"] not in ("", "a b\tc")
    assert junk.headers["x-content-type-options"] == "nosniff"


async def test_an_operation_is_called_by_its_name_too(served: Served):
    admin = await served.admin()
    made = await served.http.post("/rpc/sites.create_site", json=SITE, headers=admin)
    assert (made.status_code, made.json()["name"]) == (200, "Harbour")
    listed = await served.http.post("/api/rpc/sites.list_sites", headers=admin)
    assert len(listed.json()["items"]) == 1
    assert (await served.http.post("/rpc/sites.nothing", headers=admin)).status_code == 404
    assert (await served.http.get("/rpc/sites.list_sites", headers=admin)).status_code == 405
    assert (
        await served.http.post("/rpc/identity.identify", json={"sessionId": 1}, headers=admin)
    ).status_code == 403


async def test_a_stale_token_does_not_keep_anybody_from_signing_in(served: Served):
    await served.sign_up("ann")
    answer = await served.http.post(
        "/auth/login",
        json={"email": "ann@example.com", "password": "a password of tests"},
        headers={"Authorization": "Bearer stale"},
    )
    assert answer.status_code == 200


async def test_a_session_that_ended_is_refused_within_a_second(served: Served):
    member = await served.sign_up()
    assert (await served.http.get("/auth/me", headers=member)).status_code == 200
    assert (await served.http.post("/auth/logout", headers=member)).status_code in (200, 204)

    async def status() -> int:
        return (await served.http.get("/auth/me", headers=member)).status_code

    await eventually(lambda: _is(status(), 401), timeout_s=2)


async def _is(answer: Awaitable[int], wanted: int) -> bool:
    return await answer == wanted
