"""What the commands do, each an async function of the settings."""

import asyncio
import gc
import sys
from collections.abc import Awaitable

from domain.kernel.caller import SERVICE
from domain.kernel.errors import DomainError
from gate_bridge.wire.asyncapi import asyncapi
from gatehouse import gates, roles
from gatehouse.brokers import account_url
from gatehouse.entry import entry_of
from gatehouse.ingestion import Ingestion
from gatehouse.listening import listening
from gatehouse.mailbox import Mailbox
from gatehouse.migrate import migrate as upgrade
from gatehouse.own_database import with_database
from gatehouse.partners import partners_of
from gatehouse.parts import process_of
from gatehouse.settings import BadSetting, Settings
from gatehouse.told import until_told
from gatehouse.watched import answer_probes
from server.app import VERSION, build
from server.process import Process

GARBAGE = 20_000


async def serve(settings: Settings) -> None:
    """Run one hub."""
    async with process_of(settings, connections=20) as process:
        app = build(
            process,
            dashboard=roles.DASHBOARD,
            trusted_proxies=settings.trusted_proxies,
            entry=entry_of(settings),
            partners=partners_of(settings),
            metrics_token=settings.metrics_token,
            drain_s=settings.drain_s,
            io_uring=settings.hub_io_uring == "auto",
            device_protocol=asyncapi(version=VERSION, broker=settings.mqtt_public_url),
        )
        with listening(settings.host, settings.port) as listener:
            await until_told(roles.serve(app, listener, door=app.state.door, drain=app.state.drain))


async def ingest(settings: Settings) -> None:
    """Run ingestion."""
    async with process_of(settings) as process:
        # what there is now stays: looking through it for garbage, batch after batch, takes as long as reading events
        gc.freeze()
        gc.set_threshold(GARBAGE)
        url, ca_file = _broker(settings, "ingest")
        checks = process.checks()
        taking = Ingestion(process, url, only=settings.ingest_shards, ca_file=ca_file)
        checks["gates"] = taking.check
        await until_told(_beside(settings, process, checks, taking.run()))


async def decide(settings: Settings) -> None:
    """Run decisions."""
    async with process_of(settings, connections=4) as process:
        url, ca_file = _broker(settings, "decide")
        checks = process.checks()
        running = gates.decide(process, url, client_id="svc-decide", ca_file=ca_file, checks=checks)
        await until_told(_beside(settings, process, checks, running))


async def work(settings: Settings) -> None:
    """Run what happens behind the scenes."""
    async with process_of(settings) as process:
        url, ca_file = _broker(settings, "control")
        running = roles.work(process, url, ca_file=ca_file)
        await until_told(_beside(settings, process, process.checks(), running))


async def mailbox(settings: Settings) -> None:
    """Catch letters and show them."""
    data = settings.gatehouse_data / "mail"
    async with Mailbox.start(data, host=settings.host, port=settings.smtp_port) as box:
        with listening(settings.host, settings.port) as listener:
            await until_told(roles.serve(box.pages, listener))


async def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    async with with_database(settings) as settled:
        await upgrade(str(settled.database_url))
    print("The database has the newest schema.")


async def create_admin(settings: Settings, email: str, username: str, password: str) -> None:
    """Open an admin's account, in the database of the settings or in that of `gatehouse up`."""
    account = {"email": email, "username": username, "password": password}
    try:
        async with with_database(settings) as settled:
            await upgrade(str(settled.database_url))
            async with process_of(settled, connections=2) as process:
                await process.runtime.call(SERVICE, "identity.create_admin", account)
    except DomainError as refusal:
        sys.exit(f"gatehouse: {refusal.detail}")
    print(f"{account['email']} may now do everything.")


def _broker(settings: Settings, service: str) -> tuple[str, str | None]:
    if settings.mqtt_url is None:
        raise BadSetting("MQTT_URL must be set here; only `gatehouse up` brings a broker of its own")
    url = account_url(settings.mqtt_url, service, settings.jwt_secret_key)
    return url, str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None


async def _beside(settings: Settings, process: Process, checks: gates.Checks, role: Awaitable[None]) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer_probes(settings, process, checks), name="probes")
        tasks.create_task(process.run(), name="process")
        tasks.create_task(_awaited(role), name="role")


async def _awaited(role: Awaitable[None]) -> None:
    await role
