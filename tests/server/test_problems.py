"""Refusals become problem documents."""

import json

from domain.kernel.errors import Busy, Invalid, TooMany, Unauthenticated
from server.problems import problem_response


def test_the_document_is_the_refusal_and_is_kept_by_nobody():
    response = problem_response(Invalid.field("name", "is empty"))
    assert response.status_code == 422
    assert json.loads(bytes(response.body))["errors"] == [{"field": "name", "problem": "is empty"}]
    assert response.headers["cache-control"] == "no-store"


def test_who_comes_too_often_learns_when_to_come_again():
    assert problem_response(TooMany("slowly", retry_after_s=30)).headers["retry-after"] == "30"
    assert "retry-after" not in problem_response(Busy("later")).headers


def test_who_is_not_signed_in_learns_how():
    assert problem_response(Unauthenticated("who?")).headers["www-authenticate"] == "Bearer"
