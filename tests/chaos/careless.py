"""Processes with a safeguard switched off, to show that the proof would notice: `python -m tests.chaos.careless ...`.

`ingest` tells broker and gates before it commits; `gate PLAN` forgets what happened as soon as it has sent it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from domain.kernel.caller import SERVICE, Caller
from gate_bridge import ingest, wire
from gate_bridge.calls import Asks, asks
from gate_bridge.client import Client, Received
from gatehouse.brokers import account_url
from gatehouse.crash import Reached, crash_point
from gatehouse.parts import process_of
from gatehouse.settings import load
from simulators import turnstile
from simulators.__main__ import main
from simulators.upload import Upload


class HastyClient(Client):
    """Lets the broker forget what it has only just been handed."""

    async def batches(self, *, limit: int = 500, linger_s: float = 0.005) -> AsyncIterator[list[Received]]:
        async for batch in super().batches(limit=limit, linger_s=linger_s):
            self.ack(batch)
            yield batch


def hasty(client: Client, ask: Asks, sites: dict[int, int], reached: Reached) -> Asks:
    """Let the gates forget what is about to be recorded."""

    async def promise_and_ask(caller: Caller, name: str, **members: Any) -> Any:
        for event in members.get("events", ()):
            told = wire.Acknowledgement(epoch=event.epoch.hex(), up_to=event.seq, at_ms=0)
            client.post(wire.topic(sites[event.gate_id], event.gate_id, "dn/ack"), wire.encode(told))
        if members.get("events"):
            reached("before_commit")
        return await ask(caller, name, **members)

    return promise_and_ask


class HastyUpload(Upload):
    """Takes sending for arriving."""

    def _posted(self, leg: wire.Leg, message: wire.Message, last: int) -> bool:
        sent = super()._posted(leg, message, last)
        if sent:
            self._journal.acknowledge(last)
        return sent


async def run_ingest() -> None:
    settings = load()
    url = account_url(str(settings.mqtt_url), "ingest", settings.jwt_secret_key)
    async with process_of(settings) as process, asyncio.TaskGroup() as tasks:
        known = await process.runtime.call(SERVICE, "access.list_device_accounts", {"pending": False})
        sites = {account.gate_id: account.site_id for account in known}
        client = HastyClient(ingest.settings(url, client_id="svc-ingest"))
        tasks.create_task(client.run())
        ask = hasty(client, asks(process.runtime), sites, crash_point())
        tasks.create_task(ingest.Ingest(client, ask).run())


if __name__ == "__main__":
    if sys.argv[1] == "ingest":
        asyncio.run(run_ingest())
    else:
        vars(turnstile)["Upload"] = HastyUpload
        sys.argv[1:] = sys.argv[2:]
        main()
