"""Everything in one process tree: a database and a broker as children, every role in this process, turnstiles beside.

Started in order, stopped in the opposite one. A child that falls over is started again; kill -9 of the whole tree
leaves nothing running (the children die with their parent) and nothing acknowledged is lost.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.routing import Mount

from gate_bridge.wire.asyncapi import asyncapi
from gatehouse import gates, roles
from gatehouse.brokers import account_url, house_accounts
from gatehouse.demo import fleet, guests, place
from gatehouse.embedded.address import free_port
from gatehouse.embedded.broker import Broker
from gatehouse.embedded.child import Child, Command
from gatehouse.embedded.lock import held
from gatehouse.embedded.postgres import Postgres
from gatehouse.entry import entry_of
from gatehouse.greeting import greeting
from gatehouse.ingestion import Ingestion
from gatehouse.listening import listening
from gatehouse.mailbox import Mailbox
from gatehouse.migrate import migrate
from gatehouse.own_database import told
from gatehouse.partners import partners_of
from gatehouse.parts import process_of
from gatehouse.settings import Settings
from gatehouse.simulating import FLEET_FILE
from server.app import VERSION, build
from server.process import Process
from server.realtime import Partners

logger = logging.getLogger(__name__)

REFRESH_DEMO_S = 1800.0
FLEET_PAUSE_S = 1.0


async def up(settings: Settings, *, demo: bool) -> None:
    """Run the whole house until it is told to stop by Ctrl-C or SIGTERM."""
    data = settings.gatehouse_data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with held(data / "run" / "up.lock"):
        async with AsyncExitStack() as stack:
            house = await _start(stack, settings, data)
            async with asyncio.TaskGroup() as tasks:
                _run(house, tasks)
                tenants = await _settle(house, tasks) if demo else None
                words = greeting(house.settings, settings, house.broker.port, demo=tenants is not None)
                print(words, flush=True)


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What was started, for those who live in it."""

    settings: Settings
    data: Path
    postgres: Postgres | None
    broker: Broker
    mailbox: Mailbox | None
    process: Process
    decider: Process
    partners: Partners | None
    listener: socket.socket


async def _start(stack: AsyncExitStack, settings: Settings, data: Path) -> House:
    partners = partners_of(settings)  # first, since it may find a setting that cannot be used
    listener = stack.enter_context(listening(settings.host, free_port(settings.port, settings.host)))
    port = listener.getsockname()[1]
    mailbox = None
    if settings.smtp_host is None:
        mailbox = await stack.enter_async_context(Mailbox.start(data / "mail"))
    accounts = house_accounts(settings.jwt_secret_key)
    broker = await stack.enter_async_context(Broker.start(data, accounts=accounts, port=settings.mqtt_port))
    postgres = None
    if settings.database_url is None:
        postgres = await stack.enter_async_context(Postgres.start(data))
    settings = _settled(settings, postgres, broker, port, mailbox)
    assert settings.database_url is not None
    stack.enter_context(told(data, settings.database_url))
    await migrate(settings.database_url)
    return House(
        settings=settings,
        data=data,
        postgres=postgres,
        broker=broker,
        mailbox=mailbox,
        process=await stack.enter_async_context(process_of(settings, connections=20)),
        decider=await stack.enter_async_context(process_of(settings, connections=4)),
        partners=partners,
        listener=listener,
    )


def _settled(
    settings: Settings, postgres: Postgres | None, broker: Broker, port: int, mailbox: Mailbox | None
) -> Settings:
    """Return the settings with what was found out while starting."""
    changes: dict[str, object] = {"port": port}
    if settings.public_url.endswith(f":{settings.port}"):
        changes["public_url"] = f"{settings.public_url.rpartition(':')[0]}:{port}"
    if not settings.mqtt_public_url:
        changes["mqtt_public_url"] = broker.url
    if postgres is not None:
        changes["database_url"] = postgres.url
    if mailbox is not None:
        changes |= {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none"}
    return msgspec.structs.replace(settings, **changes)


def _run(house: House, tasks: asyncio.TaskGroup) -> None:
    """Start every role."""
    secret = house.settings.jwt_secret_key
    token = house.settings.metrics_token
    app = build(
        house.process,
        dashboard=roles.DASHBOARD,
        background=False,
        entry=entry_of(house.settings),
        partners=house.partners,
        metrics_token=token,
        io_uring=house.settings.hub_io_uring == "auto",
        device_protocol=asyncapi(version=VERSION, broker=house.settings.mqtt_public_url),
    )
    if house.mailbox is not None:
        _mount_mail(app, house.mailbox)
    urls = {name: account_url(house.broker.url, name, secret) for name in ("ingest", "decide", "control")}
    tasks.create_task(house.process.run(hub=True), name="process")
    tasks.create_task(house.broker.keep(), name="broker")
    if house.postgres is not None:
        tasks.create_task(house.postgres.keep(), name="postgres")
    tasks.create_task(roles.work(house.process, urls["control"]), name="work")
    # its data directory lets one house run at a time: the next one takes up the leases of a killed one at once
    me = f"{socket.gethostname()}:{house.settings.gatehouse_data.absolute()}"
    tasks.create_task(Ingestion(house.process, urls["ingest"], by=me).run(), name="ingest")
    deciding = gates.decide(
        house.decider, urls["decide"], client_id="svc-decide", by=me, metrics=house.process.metrics
    )
    tasks.create_task(deciding, name="decide")
    tasks.create_task(
        roles.serve(app, house.listener, door=app.state.door, drain=app.state.drain), name="serve"
    )


async def _settle(house: House, tasks: asyncio.TaskGroup) -> place.Place | None:
    """Let the demo's people and turnstiles in."""
    tenants = await place.furnish(house.process.runtime)
    if tenants is not None:
        await _refresh(house, tenants)
        tasks.create_task(_keep_fleet(house), name="fleet")
        tasks.create_task(_keep_demo_fresh(house, tenants), name="demo")
    return tenants


def _mount_mail(app: Starlette, mailbox: Mailbox) -> None:
    """Without a mail server letters are read at /app/mail, by whoever reaches the page: not for a house with guests."""
    app.router.routes.insert(0, Mount("/app/mail", mailbox.pages))


async def _refresh(house: House, tenants: place.Place) -> None:
    runtime = house.process.runtime
    tokens = await guests.expect(runtime, tenants)
    fleet.write(house.data / FLEET_FILE, await fleet.plan(runtime, tenants, house.broker.url, tokens))


async def _keep_demo_fresh(house: House, tenants: place.Place) -> None:
    while True:
        await asyncio.sleep(REFRESH_DEMO_S)
        try:
            await _refresh(house, tenants)
        except Exception:
            logger.exception("the demo's guests could not be renewed; trying again later")


async def _keep_fleet(house: House) -> None:
    while True:
        async with _fleet(house) as child:
            code = await child.wait()
        logger.warning("the simulated turnstiles ended with %d and are started again", code)
        await asyncio.sleep(FLEET_PAUSE_S)


@asynccontextmanager
async def _fleet(house: House) -> AsyncIterator[Child]:
    program = (sys.executable, "-m", "simulators", str(house.data / FLEET_FILE))
    child = await Child.start(Command(argv=program, log=house.data / "log" / "fleet.log"))
    try:
        yield child
    finally:
        await child.stop(2)
