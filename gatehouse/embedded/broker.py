"""An MQTT broker as a child process on 127.0.0.1: Mosquitto where there is one, else its stand-in.

Both keep accounts in one file of Mosquitto's dynamic security plugin and take its commands, so that device accounts
are made the same way on either.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec

from gatehouse.embedded import accounts
from gatehouse.embedded.accounts import Account
from gatehouse.embedded.address import LOCALHOST, free_port
from gatehouse.embedded.child import Child, Command, StartFailed
from gatehouse.embedded.lock import held
from gatehouse.embedded.service import Service
from gatehouse.embedded.stored import save

Kind = Literal["mosquitto", "amqtt"]

START_DEADLINE_S = 15
TRIES = 5
HOW_TO_GET = (
    "Install Mosquitto (Debian: apt-get install mosquitto) or the amqtt package, "
    "or set MQTT_URL to a broker of yours."
)

# Why each value: nodelay is worth 40 ms of a scan; the queues' defaults drop messages without a word to anyone.
MOSQUITTO_CONF = """\
per_listener_settings false
allow_anonymous false
listener {port} 127.0.0.1
{user}
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 1000000
max_queued_bytes 536870912
max_packet_size 1048576
persistent_client_expiration 7d
persistence true
persistence_location {directory}/
autosave_interval 60
log_dest stderr
log_type error
log_type warning
plugin {plugin}
plugin_opt_config_file {accounts}
"""


class BrokerMissing(RuntimeError):
    """No MQTT broker here; the message says how to get one."""


class Broker(Service):
    """One broker in `<data>/mosquitto`, on a TCP port of 127.0.0.1 that it keeps over restarts."""

    kind: Kind

    def __init__(self, data: Path, port: int, known: tuple[Account, ...]) -> None:
        super().__init__()
        self.directory = data / "mosquitto"
        self.log = data / "log" / "broker.log"
        self.accounts_file = self.directory / "dynamic-security.json"
        self.host = LOCALHOST
        self.port = port
        self._known = known
        self._settled = False

    @staticmethod
    @asynccontextmanager
    async def start(
        data: Path, *, accounts: Iterable[Account], port: int = 0, kind: Kind | None = None
    ) -> AsyncIterator["Broker"]:
        """Serve on the wanted port, or on a free one where that is taken: `port` of the broker tells which.

        The accounts given get their passwords and rights anew; the devices' accounts of an earlier run are kept.

        Raises: BrokerMissing, DataInUse, StartFailed; each says what to do.
        """
        data = data.absolute()
        with held(data / "run" / "mosquitto.lock"):
            make = _choose(kind)
            broker = make(data, free_port(port), tuple(accounts))
            broker._seed()
            async with broker._serving():
                yield broker

    @property
    def url(self) -> str:
        """Its address without an account: mqtt://127.0.0.1:1883."""
        return f"mqtt://{self.host}:{self.port}"

    @abstractmethod
    def _command(self) -> Command:
        """Return what to run, after writing what it reads."""

    def _seed(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        try:
            document = msgspec.json.decode(self.accounts_file.read_bytes())
        except FileNotFoundError:
            document = accounts.empty()
        save(self.accounts_file, accounts.seeded(document, self._known))

    async def _launch(self) -> Child:
        for _ in range(TRIES):
            command = self._command()
            child = await Child.start(command)
            try:
                if await self._ready(child):
                    self._settled = True
                    return child
            except BaseException:
                await child.stop(0)
                raise
            failure = child.failure("did not start")
            if "ddress already in use" not in str(failure):
                raise failure
            # Whoever was faster has the first choice of ports; later, clients know where to find us.
            if not self._settled:
                self.port = free_port()
        raise failure

    async def _ready(self, child: Child) -> bool:
        """Wait until it lets one of its accounts in: only then it has read them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_DEADLINE_S
        while child.running:
            if await self._greets():
                return child.running
            if loop.time() > deadline:
                raise child.failure(f"was not ready within {START_DEADLINE_S} s")
            await asyncio.sleep(0.01)
        return False

    async def _greets(self) -> bool:
        known = self._known[0]
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(_connect_packet(known.username, known.password))
                    answer = await reader.readexactly(4)
                    writer.write(b"\xe0\x00")
                    await writer.drain()
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False
        return answer == b"\x20\x02\x00\x00"


class Mosquitto(Broker):
    """The real one."""

    name = "Mosquitto"
    kind = "mosquitto"

    def _command(self) -> Command:
        program, plugin = mosquitto_program(), dynamic_security_plugin()
        if program is None or plugin is None:
            raise BrokerMissing(f"Mosquitto or its dynamic security plugin is missing. {HOW_TO_GET}")
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text(
            MOSQUITTO_CONF.format(
                port=self.port,
                # Started by root it would become an account that cannot read the files.
                user="user root" if os.geteuid() == 0 else "",
                directory=self.directory,
                plugin=plugin,
                accounts=self.accounts_file,
            )
        )
        return Command(argv=(str(program), "-c", str(configuration)), log=self.log)


class Amqtt(Broker):
    """The stand-in."""

    name = "amqtt"
    kind = "amqtt"

    def _command(self) -> Command:
        module = "gatehouse.embedded.stand_in"
        argv = (sys.executable, "-m", module, str(self.port), str(self.accounts_file))
        return Command(argv=argv, log=self.log)


def mosquitto_program() -> Path | None:
    """Return the broker's program; ordinary users' PATH often lacks its folder."""
    places = os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
    )
    found = shutil.which("mosquitto", path=places)
    return Path(found) if found else None


def dynamic_security_plugin() -> Path | None:
    """Return the plugin's library, wherever this system's machine type keeps it."""
    name = "mosquitto_dynamic_security.so"
    roots = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")
    patterns = (name, f"mosquitto/{name}", f"*/{name}", f"*/mosquitto/{name}")
    return next((found for root in roots for pattern in patterns for found in Path(root).glob(pattern)), None)


def _choose(kind: Kind | None) -> type[Broker]:
    mosquitto = mosquitto_program() is not None and dynamic_security_plugin() is not None
    if kind == "mosquitto" or (kind is None and mosquitto):
        return Mosquitto
    if importlib.util.find_spec("amqtt") is None:
        raise BrokerMissing(f"There is no MQTT broker here. {HOW_TO_GET}")
    return Amqtt


def _connect_packet(username: str, password: str) -> bytes:
    """Return the CONNECT of MQTT 3.1.1 with a clean session."""
    texts = ("gatehouse-readiness", username, password)
    payload = b"".join(len(raw).to_bytes(2, "big") + raw for raw in (text.encode() for text in texts))
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a" + payload
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 0x80, len(body) // 128])
    return b"\x10" + length + body


__all__ = ["Account", "Amqtt", "Broker", "BrokerMissing", "Mosquitto", "StartFailed"]
