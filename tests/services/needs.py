"""What a test needs from the machine: missing, it is not run and says so; in CI it fails."""

import os
import shutil
from typing import NoReturn

import pytest

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def missing(what: str) -> NoReturn:
    """End the test: as failed in CI, which has to have everything, else as not run."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"CI has to have everything: {what}", pytrace=False)
    pytest.skip(what)


def found(*names: str) -> str | None:
    """Return the path of the first of these programs, also from folders that only root's PATH has."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return next((path for name in names if (path := shutil.which(name, path=places))), None)


def program(*names: str, get: str) -> str:
    """Return the path of the first of these programs, or end the test."""
    return found(*names) or missing(f"needs {names[0]}: {get}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium, for Playwright's executable_path; start it with --no-sandbox."""
    return program(*CHROMIUMS, get="apt-get install chromium")


@pytest.fixture(scope="session")
def haproxy() -> str:
    """The path of the load balancer."""
    return program("haproxy", get="apt-get install haproxy")
