"""The realtime half of a process, put together once for every program that serves it: hub, orders, server API."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from server.upgrade import Door, Entry


@dataclass(frozen=True, slots=True)
class Realtime:
    """The parts, and `run` that keeps them going."""

    hub: Hub
    control: Control
    door: Door
    routes: Sequence[BaseRoute]

    async def run(self) -> None:
        """Keep deliveries and orders coming until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self.control.run(), name="control")


def realtime(
    hub: Hub,
    host: Host,
    namespaces: Namespaces,
    *,
    is_ours: Callable[[str], bool] = lambda channel: False,
    procedure: Procedure | None = None,
    api_key: str | None = None,
    limits: Limits | None = None,
    entry: Entry | None = None,
    version: str = "0",
) -> Realtime:
    """Put everything around a hub and the application ``host`` together.

    Without ``api_key`` the server API is off; what it may touch are the channels of ``namespaces`` that are not
    ``is_ours``. ``procedure`` runs the operations it may call.
    """
    broker = hub.broker
    control = Control(broker, hub, version=version)
    channels = ChannelMethods(broker, namespaces, is_ours)
    connections = ConnectionMethods(control, Census(broker, hub, control), channels)
    methods = Methods(channels, connections, procedure)
    door = Door(hub, host, limits=limits, entry=entry, version=version)
    return Realtime(hub, control, door, api_routes(methods, api_key))
