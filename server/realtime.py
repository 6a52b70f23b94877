"""The realtime half of a process, put together once for every program that serves it: hub, orders, server API."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.routing import BaseRoute

from channels.host import Host
from channels.limits import Limits
from channels.namespaces import Namespaces
from server.api.channels import ChannelMethods
from server.api.connections import ConnectionMethods
from server.api.endpoint import api_routes
from server.api.methods import Methods, Procedure
from server.census import Census
from server.control import Control
from server.fanout import Hub
from server.hub_numbers import HubNumbers
from server.overview import Overview
from server.partners import PartnerHost
from server.upgrade import Door, Entry


@dataclass(frozen=True, slots=True)
class Partners:
    """Back ends of others: their channels, their tokens, and the key of the server API; None turns that off."""

    host: PartnerHost
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Realtime:
    """The parts, and `run` that keeps them going."""

    hub: Hub
    control: Control
    door: Door
    look: Callable[[], HubNumbers]
    """What the hub counts, as it is now."""
    routes: Sequence[BaseRoute]

    async def run(self) -> None:
        """Keep deliveries and orders coming until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self.control.run(), name="control")


def realtime(
    hub: Hub,
    host: Host,
    overview: Overview,
    partners: Partners | None,
    *,
    is_ours: Callable[[str], bool] = lambda channel: False,
    procedure: Procedure | None = None,
    limits: Limits | None = None,
    entry: Entry | None = None,
    version: str = "0",
) -> Realtime:
    """Put everything around a hub and the application ``host`` together; ``overview`` is run by the caller.

    The server API may touch the channels of ``partners`` that are not ``is_ours``, and run operations by
    ``procedure``.
    """
    look = partial(_look, hub)
    overview.watch(look)
    control = Control(hub.broker, hub)
    namespaces = partners.host.namespaces if partners else Namespaces()
    channels = ChannelMethods(hub.broker, namespaces, is_ours)
    census = Census(hub.broker, hub, control, overview)
    connections = ConnectionMethods(control, census, overview, channels, version=version)
    methods = Methods(channels, connections, procedure)
    door = Door(hub, host, limits=limits, entry=entry, version=version)
    return Realtime(hub, control, door, look, api_routes(methods, partners.api_key if partners else None))


def _look(hub: Hub) -> HubNumbers:
    numbers = hub.numbers
    numbers.channels, numbers.draining = hub.channels, int(hub.draining)
    return numbers
