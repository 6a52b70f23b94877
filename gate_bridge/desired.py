"""What must hold at the broker: the device accounts. Level-triggered: what is not as wanted is sent.

Nothing here remembers; the database knows what was applied. A broker that lost its accounts is told by raising every
account's revision (`access.reapply_device_accounts`).
"""

import asyncio
import logging
import os

from domain.access.operations.device_accounts import DeviceAccount
from domain.kernel.caller import SERVICE
from gate_bridge import accounts
from gate_bridge.accounts import Command, Outcome, Unreadable
from gate_bridge.calls import Asks
from gate_bridge.client import Client, NotPublished, Settings

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
ANSWER_WITHIN_S = 5.0
AFTER_FAILURE_S = 2.0


class Desired:
    """Brings the broker's accounts to what the database wants; `run` it in one process (two do no harm)."""

    def __init__(self, url: str, ask: Asks, *, ca_file: str | None = None) -> None:
        settings = Settings(
            url=url,
            # several may run at once, and a shared name would throw one another out
            client_id=f"svc-control-{os.urandom(4).hex()}",
            subscriptions=((accounts.RESPONSES, 1),),
            ca_file=ca_file,
        )
        self._client = Client(settings)
        self._ask = ask

    async def run(self) -> None:
        """Look for accounts that are not as wanted, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run(), name="control connection")
            while True:
                try:
                    settled = await self._settle()
                except Exception:
                    # the database or the broker is away: look again, nothing is lost
                    logger.exception("device accounts could not be settled")
                    settled = False
                await asyncio.sleep(LOOK_EVERY_S if settled else AFTER_FAILURE_S)

    async def _settle(self) -> bool:
        wanted: list[DeviceAccount] = await self._ask(SERVICE, "access.list_device_accounts", pending=True)
        for account in wanted:
            if not await self._apply(account):
                return False
            about = {"gate_id": account.gate_id, "revision": account.revision}
            await self._ask(SERVICE, "access.device_account_applied", **about)
        return True

    async def _apply(self, account: DeviceAccount) -> bool:
        """Have the broker do it, with few commands: each costs it a write of all accounts, while gates wait."""
        gate_id = account.gate_id
        try:
            if account.enabled:
                about = (account.site_id, gate_id, account.password)
                outcomes = await self._done(accounts.create_gate(*about))
                if any(one.was_there for one in outcomes):
                    outcomes = await self._done(accounts.renew_gate(*about))
            else:
                outcomes = await self._done(accounts.disable_gate(gate_id))
        except (NotPublished, TimeoutError):
            logger.warning("the broker did not answer about the account of gate %d", gate_id)
            return False
        failures = [one for one in outcomes if one.failed]
        for one in failures:
            logger.error("the broker refused the account of gate %d: %s: %s", gate_id, one.command, one.error)
        return not failures

    async def _done(self, commands: list[Command]) -> list[Outcome]:
        correlation = os.urandom(8).hex()
        await self._client.publish(accounts.REQUESTS, accounts.request(commands, correlation))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            async for message in self._client:
                self._client.ack([message])
                try:
                    found = accounts.outcomes(message.payload, correlation)
                except Unreadable:
                    logger.warning("the broker's control plugin said something unreadable")
                    continue
                if found:
                    return found
        raise TimeoutError("the connection ended")
