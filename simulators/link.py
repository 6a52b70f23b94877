"""A gate's link to the broker: paho on the event loop, a will, and a way back after every loss.

On MQTT 5 the broker keeps the will back for a few seconds, so that a link that flutters makes nobody look; and messages
have properties beside their payload. Where the broker refuses MQTT 5, all the rest goes by 3.1.1.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable
from typing import Any, Literal

import paho.mqtt.client as paho
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gate_bridge.wire import NO_PROPERTIES, Properties
from simulators.address import address

logger = logging.getLogger(__name__)

CONNECT_DEADLINE_S = 4.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
TICK_S = 1.0
MAX_QUEUED = 200
WILL_DELAY_S = 5
_UNSUPPORTED = ReasonCode(PacketTypes.CONNACK, "Unsupported protocol version").value


class Account(Struct, frozen=True, kw_only=True):
    """Where and as whom a gate connects."""

    broker: str
    username: str
    password: str
    ca_file: str | None = None
    keepalive_s: int = 15
    version: Literal["5", "3.1.1"] = "5"
    """MQTT 5, and 3.1.1 at once where the broker refuses that; or 3.1.1 from the start."""


class Heard(Struct, frozen=True, kw_only=True):
    """A message from the server."""

    topic: str
    payload: bytes
    retained: bool = False
    """The broker had it before we came, who knows for how long."""
    correlation: bytes = b""


class _Outdated(Exception):
    """The broker does not speak MQTT 5."""


class _Trust(ssl.SSLContext):
    """Shakes hands while wrapping: then a failed handshake closes its socket, which paho forgets to do."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:  # Any: as given
        return super().wrap_socket(sock, *args, **(options | {"do_handshake_on_connect": True}))


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """Returns whom to trust: the authorities of a file, or else those of this machine."""
    trust = _Trust(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        trust.load_default_certs()
    else:
        trust.load_verify_locations(ca_file)
    return trust


class Link:
    """Run it in a task; it connects, subscribes, and calls back on the loop.

    Before each connection `will()` gives its topic and payload; after it `arrived()` is called; then `heard(message)`
    for each message. What was posted and not sent dies with the connection: the journal knows better.
    """

    def __init__(
        self,
        account: Account,
        follows: list[str],
        *,
        will: Callable[[], tuple[str, bytes]],
        arrived: Callable[[], None],
        heard: Callable[[Heard], None],
    ) -> None:
        self._account = account
        self._follows = follows
        self._will = will
        self._arrived = arrived
        self._heard = heard
        self._five = account.version == "5"
        self._paho: paho.Client | None = None
        self._ready: asyncio.Future[None]
        self._lost: asyncio.Future[str]
        self._farewell: tuple[str, bytes]
        self.up = asyncio.Event()
        """Set while messages come and go."""

    async def run(self) -> None:
        """Stays connected until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            if await self._one_connection():
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def post(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retained: bool = False,
        properties: Properties = NO_PROPERTIES,
    ) -> bool:
        """Hands a message to the connection; returns False where there is none or it is too full."""
        client = self._paho
        if client is None or not self.up.is_set():
            return False
        beside = _beside(properties) if self._five else None
        sent = client.publish(topic, payload, qos, retained, beside)
        client.loop_write()
        return sent.rc == paho.MQTT_ERR_SUCCESS

    async def _one_connection(self) -> bool:
        """Greets in the newer version each time anew; returns whether there was a link for a while."""
        self._five = self._account.version == "5"
        try:
            return await self._live()
        except _Outdated:
            self._five = False
            return await self._live()

    async def _live(self) -> bool:
        loop = asyncio.get_running_loop()
        self._ready, self._lost = loop.create_future(), loop.create_future()
        client = self._client()
        try:
            await self._come_up(client)
            self._paho = client
            self.up.set()
            self._arrived()
            while not self._lost.done():
                await asyncio.wait([self._lost], timeout=TICK_S)
                client.loop_misc()
            logger.warning("gate %s lost its link: %s", self._account.username, self._lost.result())
            return True
        except OSError as error:
            name = self._account.username
            logger.warning("gate %s has no link: %s", name, str(error) or type(error).__name__)
            return False
        finally:
            # A clean goodbye cancels the will, so it is said by hand.
            self.post(*self._farewell, qos=1, retained=True)
            self._paho = None
            self.up.clear()
            if client.socket() is not None:
                client.disconnect()
                client.loop_write()

    async def _come_up(self, client: paho.Client) -> None:
        await self._reach(client)
        self._watch(client)
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            either: set[asyncio.Future[Any]] = {self._ready, self._lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._ready.done():
            self._ready.result()
        if self._lost.done():
            raise ConnectionError(self._lost.result())

    def _client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._account.username,
            clean_session=None if self._five else True,
            protocol=paho.MQTTv5 if self._five else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._account.username, self._account.password)
        self._farewell = self._will()
        delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY_S) if self._five else None
        client.will_set(*self._farewell, qos=1, retain=True, properties=delay)
        client.max_queued_messages_set(MAX_QUEUED)
        client.connect_timeout = CONNECT_DEADLINE_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    async def _reach(self, client: paho.Client) -> None:
        broker = address(self._account.broker)
        if broker.secure:
            client.tls_set_context(_trust(self._account.ca_file))
        wanted: dict[str, Any] = {}  # Any: paho's
        if self._five:
            # Nothing is to wait for a gate that is away: the answer to a scan least of all.
            session = _properties(PacketTypes.CONNECT, SessionExpiryInterval=0)
            wanted = {"clean_start": True, "properties": session}
        client.connect_async(broker.host, broker.port, self._account.keepalive_s, **wanted)
        # Name, TCP and TLS block; nobody may touch paho meanwhile.
        connecting = asyncio.get_running_loop().run_in_executor(None, client.reconnect)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.wait([connecting])
            raise

    def _watch(self, client: paho.Client) -> None:
        loop = asyncio.get_running_loop()
        connected: Any = client.socket()  # Any: a plain socket or one of TLS
        if connected is None:
            raise ConnectionError("the connection closed at once")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def want_write(*_: Any) -> None:
            loop.add_writer(connected, client.loop_write)

        def written(*_: Any) -> None:
            loop.remove_writer(connected)

        def closed(*_: Any) -> None:
            loop.remove_reader(connected)
            loop.remove_writer(connected)

        def read() -> None:
            client.loop_read()
            # TLS may hold decrypted bytes that the loop does not hear of.
            if client.socket() is not None and getattr(connected, "pending", int)():
                loop.call_soon(read)

        client.on_socket_register_write = want_write
        client.on_socket_unregister_write = written
        client.on_socket_close = closed
        loop.add_reader(connected, read)
        client.loop_write()

    def _on_connect(self, client: paho.Client, _: Any, flags: Any, code: Any, properties: Any) -> None:
        if not code.is_failure:
            if self._five:
                client.subscribe([(name, SubscribeOptions(1)) for name in self._follows])
            else:
                client.subscribe([(name, 1) for name in self._follows])
        elif self._five and code.value == _UNSUPPORTED and not self._ready.done():
            self._ready.set_exception(_Outdated(str(code)))
        elif not self._lost.done():
            self._lost.set_result(f"refused: {code}")

    def _on_subscribe(self, client: Any, _: Any, number: int, codes: list[Any], properties: Any) -> None:
        refused = [name for name, code in zip(self._follows, codes, strict=False) if code.is_failure]
        if refused:
            # Decisions may still come: a broker that forbids one of several topics is to be told, not left.
            logger.warning("gate %s may not follow %s", self._account.username, ", ".join(refused))
        if not self._ready.done():
            self._ready.set_result(None)

    def _on_disconnect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        if not self._lost.done():
            self._lost.set_result(str(code))

    def _on_message(self, client: Any, _: Any, message: paho.MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", b"")
        self._heard(
            Heard(
                topic=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                correlation=correlation,
            )
        )


def _beside(properties: Properties) -> PahoProperties | None:
    if properties == NO_PROPERTIES:
        return None
    told = {
        "MessageExpiryInterval": properties.expires_s,
        "ResponseTopic": properties.response_topic or None,
        "CorrelationData": properties.correlation or None,
        "UserProperty": ("h", "1") if properties.historical else None,
    }
    return _properties(
        PacketTypes.PUBLISH, **{name: value for name, value in told.items() if value is not None}
    )


def _properties(kind: int, **values: Any) -> PahoProperties:  # Any: as the standard has them
    made = PahoProperties(kind)  # type: ignore[no-untyped-call]  # paho's
    for name, value in values.items():
        setattr(made, name, value)
    return made
