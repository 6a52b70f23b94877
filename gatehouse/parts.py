"""The parts that every process is built of, made from the settings."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.mail import SmtpMail
from channels.broker import Broker
from channels.memory import MemoryBroker
from channels.redis import RedisBroker
from domain.catalogue import CATALOGUE
from domain.kernel import database, queue
from domain.kernel.keys import Keys
from domain.kernel.passwords import Passwords
from domain.kernel.ports import Ports
from domain.kernel.tools import Policy, Tools
from gatehouse.crash import crash_point
from gatehouse.settings import BadSetting, Settings
from server.process import Process, compose


def holder() -> str:
    """Return how this process signs leases: its machine, its id, and a word of its own."""
    return f"{socket.gethostname()}/{os.getpid()}/{os.urandom(4).hex()}"


def tools_of(settings: Settings) -> Tools:
    """Return what operations and jobs may use."""
    return Tools(
        keys=Keys(settings.jwt_secret_key),
        passwords=Passwords(),
        random_bytes=os.urandom,
        ports=Ports(mail=_mail(settings)),
        policy=Policy(
            production=settings.in_production,
            public_url=settings.public_url,
            mqtt_public_url=settings.mqtt_public_url,
            mqtt_authority=_authority(settings),
            access_token_s=settings.jwt_access_token_expires,
            refresh_token_s=settings.jwt_refresh_token_expires,
        ),
    )


@asynccontextmanager
async def process_of(settings: Settings, *, connections: int = 10) -> AsyncIterator[Process]:
    """Connect to what the settings name, and let go of it afterwards.

    Raises:
        BadSetting: No database is named.
    """
    if settings.database_url is None:
        raise BadSetting("DATABASE_URL must be set here; only `gatehouse up` brings a database of its own")
    engine = database.connect(settings.database_url, connections=connections)
    broker = _broker(settings)
    try:
        process = compose(
            catalogue=CATALOGUE,
            engine=engine,
            broker=broker,
            tools=tools_of(settings),
            enqueue=queue.enqueue,
            reached=crash_point(),
        )
        try:
            yield process
        finally:
            await process.direct.close()
    finally:
        await broker.close()
        await engine.dispose()


def _authority(settings: Settings) -> str:
    file = settings.mqtt_public_ca_file
    try:
        return file.read_text() if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"MQTT_PUBLIC_CA_FILE must be a certificate that can be read: {error}") from error


def _broker(settings: Settings) -> Broker:
    return RedisBroker(settings.redis_url) if settings.redis_url else MemoryBroker()


def _mail(settings: Settings) -> SmtpMail:
    return SmtpMail(
        host=settings.smtp_host or "127.0.0.1",
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password,
        sender=settings.smtp_from,
        security=settings.smtp_security,
    )
