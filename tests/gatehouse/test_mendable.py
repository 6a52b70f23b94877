"""What an operator can mend has words, and what they cannot mend has none."""

import socket

import pytest

from domain.kernel.errors import DomainError, Invalid, NotFound
from gatehouse.mendable import in_words
from gatehouse.settings import BadSetting

AWAY = "a server it needs does not answer"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (BadSetting("PORT must be a number"), "PORT must be a number"),
        (NotFound("There is no site 7"), "There is no site 7"),
        (Invalid.field("name", "is too long"), "name: is too long"),
        (ConnectionRefusedError(111, "Connection refused"), f"{AWAY} ([Errno 111] Connection refused)"),
        (TimeoutError(), f"{AWAY} (it took too long)"),
        (socket.gaierror(-2, "Name or service not known"), f"{AWAY} ([Errno -2] Name or service not known)"),
        (ExceptionGroup("x", [ExceptionGroup("y", [DomainError("No")]), TimeoutError()]), "No"),
    ],
)
def test_what_can_be_mended_is_one_sentence(problem: Exception, words: str):
    told = in_words(problem)

    assert told is not None and told.startswith(words)
    assert "\n" not in told


@pytest.mark.parametrize(
    "problem",
    [KeyError("x"), FileNotFoundError("x"), ExceptionGroup("x", [DomainError("No"), KeyError("x")])],
)
def test_a_defect_of_ours_has_no_words(problem: Exception):
    assert in_words(problem) is None
