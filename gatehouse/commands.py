"""What the commands do, each an async function of the settings."""

import asyncio
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Literal

from domain.kernel.caller import SERVICE
from domain.kernel.errors import DomainError
from gatehouse import roles
from gatehouse.listening import listening
from gatehouse.mailbox import Mailbox
from gatehouse.migrate import migrate as upgrade
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import BadSetting, Settings
from gatehouse.up import FLEET_FILE
from server.app import build
from server.process import Process
from simulators.control import NoFleet, NotPresented, present
from simulators.fleet import present_alone, run_fleet
from simulators.plan import PlanUnreadable, load
from simulators.turnstile import Presented


async def serve(settings: Settings) -> None:
    """Run one hub."""
    async with process_of(settings, connections=20) as process:
        app = build(process, dashboard=roles.DASHBOARD, trusted_proxies=settings.trusted_proxies)
        with listening(settings.host, settings.port) as listener:
            await _until_told(roles.serve(app, listener))


async def ingest(settings: Settings) -> None:
    """Run ingestion."""
    async with process_of(settings) as process:
        url, ca_file = _broker(settings)
        running = roles.ingest(process, url, client_id="svc-ingest", ca_file=ca_file)
        await _until_told(_beside(process, running))


async def decide(settings: Settings) -> None:
    """Run decisions."""
    async with process_of(settings, connections=4) as process:
        url, ca_file = _broker(settings)
        running = roles.decide(process, url, client_id="svc-decide", ca_file=ca_file)
        await _until_told(_beside(process, running))


async def work(settings: Settings) -> None:
    """Run what happens behind the scenes."""
    async with process_of(settings) as process:
        url, ca_file = _broker(settings)
        await _until_told(_beside(process, roles.work(process, url, ca_file=ca_file)))


async def mailbox(settings: Settings) -> None:
    """Catch letters and show them."""
    data = settings.gatehouse_data / "mail"
    async with Mailbox.start(data, host=settings.host, port=settings.smtp_port) as box:
        with listening(settings.host, settings.port) as listener:
            await _until_told(roles.serve(box.pages, listener))


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


async def scan(
    settings: Settings, gate: int, token: str, direction: Literal["in", "out"], path: Path | None
) -> int:
    """Show a pass at a gate, tell what came of it, and return the exit code: 0 where the gate opened."""
    file = path or settings.gatehouse_data / FLEET_FILE
    try:
        shown = await _shown(file, gate, token, direction)
    except (PlanUnreadable, NotPresented) as problem:
        print(f"gatehouse: {problem}", file=sys.stderr)
        return 2
    print(_told(gate, shown))
    return 0 if shown.verdict == "admit" else 1


async def fleet(path: Path) -> None:
    """Run a fleet."""
    try:
        await _until_told(run_fleet(path))
    except PlanUnreadable as problem:
        sys.exit(f"gatehouse: {problem}")


async def _shown(file: Path, gate: int, token: str, direction: Literal["in", "out"]) -> Presented:
    try:
        return await present(file.parent / load(file).control, gate, token, direction)
    except NoFleet:
        return await present_alone(file, gate, token, direction)


def _told(gate: int, shown: Presented) -> str:
    if shown.verdict == "deny":
        return f"Gate {gate} stays closed: {shown.reason}. {shown.text} {shown.action}"
    walked = "and somebody walked through" if shown.passed else "but nobody walked through"
    return f"Gate {gate} opened (decided {shown.source}) {walked}."


def _broker(settings: Settings) -> tuple[str, str | None]:
    if settings.mqtt_url is None:
        raise BadSetting("MQTT_URL must be set here; only `gatehouse up` brings a broker of its own")
    return settings.mqtt_url, str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None


async def _beside(process: Process, role: Awaitable[None]) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(process.run(), name="process")
        tasks.create_task(_awaited(role), name="role")


async def _awaited(role: Awaitable[None]) -> None:
    await role


async def _until_told(running: Awaitable[None]) -> None:
    """Run until Ctrl-C or SIGTERM, then let what runs finish in order."""
    task = asyncio.ensure_future(running)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
