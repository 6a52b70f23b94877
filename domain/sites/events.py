"""What sites tell the world."""

from typing import ClassVar

from domain.kernel.events import Event


class SiteCreated(Event, frozen=True):
    """A site was opened."""

    name: ClassVar[str] = "site.created"
    site_id: int


class SiteMoved(Event, frozen=True):
    """What a site's gates report is taken in by another shard."""

    name: ClassVar[str] = "site.moved"
    site_id: int
    shard: int


class SiteUpdated(Event, frozen=True):
    """A site's name or time zone was changed."""

    name: ClassVar[str] = "site.updated"
    site_id: int
