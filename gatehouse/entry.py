"""Who may open a socket at a hub, and how many, from the settings and from what the machine allows."""

import resource
from urllib.parse import urlsplit

from gatehouse.settings import Settings
from server.upgrade import Entry

SPARE_FILES = 256
"""For everything of a process that is no client's connection."""


def entry_of(settings: Settings) -> Entry:
    """Return who may come in; pages of the public address always may.

    This process may open as many files as it is ever allowed to from here on, and does not take more connections than
    there are files: a refusal that says so is better than a connection that is never accepted.
    """
    public = urlsplit(settings.public_url)
    return Entry(
        origins=(*settings.websocket_origins, f"{public.scheme}://{public.netloc}"),
        trusted_proxies=settings.trusted_proxies,
        connections=max(1, min(settings.websocket_connections, _all_files() - SPARE_FILES)),
        per_second=settings.websocket_connects_per_second,
    )


def _all_files() -> int:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
