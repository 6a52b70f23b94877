"""What gates are ordered, given to the broker: modes as retained state, commands that nobody keeps.

Nothing here remembers; the database knows what is out. Two of these at once do no harm: gates take a revision or a
number only once. A command whose time has come is not sent any more, and a gate does not obey it.
"""

import asyncio
import logging
import os

import msgspec

from domain.access.operations.publishing import Outgoing, Published
from domain.kernel.caller import SERVICE
from gate_bridge import wire
from gate_bridge.calls import Asks
from gate_bridge.client import Client, NotPublished, Settings

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
"""Half of this is what an order waits on average before it is on its way."""
AFTER_FAILURE_S = 1.0


class Orders:
    """Gives the broker what the database has for gates; `run` it in one process (two do no harm)."""

    def __init__(self, url: str, ask: Asks, *, ca_file: str | None = None) -> None:
        name = f"svc-control-{os.urandom(4).hex()}"
        self._client = Client(Settings(url=url, client_id=name, subscriptions=(), ca_file=ca_file))
        self._ask = ask

    async def run(self) -> None:
        """Look for orders and commands that are not out, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run(), name="orders connection")
            while True:
                pause_s = LOOK_EVERY_S
                try:
                    await self._send_commands()
                    await self._publish_orders()
                except NotPublished as error:
                    logger.warning("orders wait: %s", error)
                    pause_s = AFTER_FAILURE_S
                except Exception:
                    # the database is away: look again, nothing is lost
                    logger.exception("orders could not be given out")
                    pause_s = AFTER_FAILURE_S
                await asyncio.sleep(pause_s)

    async def _publish_orders(self) -> None:
        waiting: list[Outgoing] = await self._ask(SERVICE, "access.list_unpublished_orders")
        if not waiting:
            return
        await asyncio.gather(*(self._publish(one, "dn/desired") for one in waiting))
        out = [Published(one.gate_id, one.revision) for one in waiting]
        await self._ask(SERVICE, "access.orders_published", orders=out)

    async def _send_commands(self) -> None:
        waiting: list[Outgoing] = await self._ask(SERVICE, "access.list_waiting_commands")
        if not waiting:
            return
        await asyncio.gather(*(self._publish(one, "dn/cmd") for one in waiting))
        await self._ask(SERVICE, "access.commands_sent", command_ids=[one.command_id for one in waiting])

    async def _publish(self, one: Outgoing, leg: wire.Leg) -> None:
        await self._client.publish(
            wire.topic(one.site_id, one.gate_id, leg),
            msgspec.json.encode(one.members),
            qos=wire.QOS[leg],
            retained=leg in wire.RETAINED,
            properties=_beside(one, leg),
        )


def _beside(one: Outgoing, leg: wire.Leg) -> wire.Properties:
    """Return what a command has beside its payload; an order is retained and has nothing."""
    if leg != "dn/cmd":
        return wire.NO_PROPERTIES
    return wire.Properties(
        expires_s=wire.EXPIRES_S[leg],
        response_topic=wire.topic(one.site_id, one.gate_id, "up/res"),
        correlation=one.command_id.encode(),
    )
