"""One connection to the broker: paho on our event loop, from its first packet to its last.

1. A connection is used once. What was not acknowledged, on either side, dies with it: nothing that waited
   on a lost link is sent late on the next one.
2. A message is acknowledged only when asked to. MQTT 3.1.1 redelivers only on the next connection of a
   persistent session, and only what was not acknowledged.
3. Only the blocking steps of connecting (name, TCP, TLS) run on a thread; everything else is on the loop.
4. Nothing else in the bridge imports paho.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

from gate_bridge.inbox import Received

CONNECT_DEADLINE_S = 4.0
READS_PER_WAKE = 500
"""Packets handled before other tasks get their turn."""
RECEIVE_BYTES = 256 * 1024
MAX_UNSENT_PACKETS = 10_000
MAX_UNACKNOWLEDGED = 200
MAX_QUEUED = 1_000


class NotPublished(Exception):
    """A message did not reach the broker before its deadline, or its connection went away."""


class Refused(Exception):
    """The broker does not let this client in, or not to these topics."""


class Settings(Struct, frozen=True, kw_only=True):
    """Who connects where, and for what."""

    url: str
    """`mqtt://user:password@host:port` or `mqtts://...`; parts of it percent-encoded."""
    client_id: str
    persistent: bool = False
    """The broker keeps subscriptions and messages while we are away; False = a fresh start each time."""
    subscriptions: tuple[tuple[str, int], ...] = ()
    """Filters, each with its QoS."""
    ca_file: str | None = None
    keepalive_s: int = 30
    inbox: int = 10_000


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


class _Paho(paho.Client):
    """paho with larger reads and writes: its own way costs three reads per message and one write per ack.

    Both stand on names that are private in paho 2; were `_sock_recv` renamed, only speed would be lost.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=not settings.persistent,
            protocol=paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._chunk = b""
        self._position = 0
        self.dry = False
        """The last read found nothing more on the socket."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._position == len(self._chunk):
            self.dry = True
            self._chunk, self._position = super()._sock_recv(RECEIVE_BYTES), 0
            self.dry = False
        start, self._position = self._position, min(self._position + bufsize, len(self._chunk))
        return self._chunk[start : self._position]

    def acknowledge(self, numbers: list[int]) -> None:
        """Sends all acks in one write."""
        packets = b"".join(struct.pack("!BBH", paho.PUBACK, 2, number) for number in numbers)
        self._packet_queue(paho.PUBACK, packets, numbers[-1], 1)
        self.loop_write()

    @property
    def unsent(self) -> int:
        return len(self._out_packet)


class Connection:
    """Open it, then read what it delivers, until `lost` tells why it ended."""

    def __init__(self, settings: Settings, generation: int, deliver: Callable[[Received], None]) -> None:
        self.generation = generation
        self._settings = settings
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._socket: Any = None  # Any: a plain socket or one of TLS
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self._granted: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._publishing: dict[int, asyncio.Future[None]] = {}
        self._room = asyncio.Event()
        self._paho = _Paho(settings)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_message = self._on_message
        self._paho.on_publish = self._on_publish
        self._paho.on_disconnect = self._on_disconnect
        self._paho.max_inflight_messages_set(MAX_UNACKNOWLEDGED)
        self._paho.max_queued_messages_set(MAX_QUEUED)
        self._paho.connect_timeout = CONNECT_DEADLINE_S

    async def open(self) -> None:
        """Connects and subscribes.

        Raises:
            Refused: the broker said no.
            OSError: it could not be reached, or (TimeoutError) did not answer in time.
        """
        url = urlsplit(self._settings.url)
        secure = url.scheme == "mqtts"
        if url.username is not None:
            self._paho.username_pw_set(unquote(url.username), unquote(url.password or ""))
        if secure:
            self._paho.tls_set_context(_trust(self._settings.ca_file))
        self._paho.connect_async(
            url.hostname or "localhost", url.port or (8883 if secure else 1883), self._settings.keepalive_s
        )
        await self._connect()
        self._watch()
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            await self._first(self._welcome)
            if self._settings.subscriptions:
                self._paho.subscribe(list(self._settings.subscriptions))
                self._paho.loop_write()
                await self._first(self._granted)

    async def _connect(self) -> None:
        connecting = self._loop.run_in_executor(None, self._paho.reconnect)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(self._close_socket)
            raise

    def _close_socket(self, connecting: asyncio.Future[Any]) -> None:
        if connecting.exception() is None and (late := self._paho.socket()) is not None:
            late.close()

    def _watch(self) -> None:
        connected: Any = self._paho.socket()
        if connected is None:
            raise ConnectionError("the connection closed at once")
        self._socket = connected
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._paho.on_socket_register_write = self._on_want_write
        self._paho.on_socket_unregister_write = self._on_written
        self._paho.on_socket_close = self._on_socket_close
        self._loop.add_reader(connected, self._read)
        self._paho.loop_write()

    def _on_want_write(self, client: Any, _: Any, connected: Any) -> None:
        self._loop.add_writer(connected, self._paho.loop_write)

    def _on_written(self, client: Any, _: Any, connected: Any) -> None:
        self._loop.remove_writer(connected)

    def _on_socket_close(self, client: Any, _: Any, connected: Any) -> None:
        self._unwatch()

    def _unwatch(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = None

    async def _first(self, awaited: asyncio.Future[None]) -> None:
        either: set[asyncio.Future[Any]] = {awaited, self.lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            raise ConnectionError(self.lost.result())
        awaited.result()

    def _read(self) -> None:
        # The loop hears of the socket only; bytes may wait above it, in our buffer or in TLS.
        for _ in range(READS_PER_WAKE):
            if self._paused or self._socket is None or self._paho.loop_read() or self._paho.dry:
                return
        self._loop.call_soon(self._read)

    def pause(self) -> bool:
        """Reads no more, and returns whether that is new; the broker feels it when the socket's buffers are full."""
        if self._paused or self._socket is None:
            return False
        self._paused = True
        self._loop.remove_reader(self._socket)
        return True

    def resume(self) -> None:
        """Reads again."""
        if self._paused and self._socket is not None:
            self._paused = False
            self._loop.add_reader(self._socket, self._read)
            self._loop.call_soon(self._read)

    def tick(self) -> None:
        """Keeps the connection alive, or finds that it is not."""
        self._paho.loop_misc()

    def acknowledge(self, numbers: list[int]) -> None:
        """Tells the broker that it may forget these."""
        self._paho.acknowledge(numbers)

    def post(self, topic: str, payload: bytes, qos: int, retained: bool) -> int | None:
        """Hands a message to the connection; returns its number, or None when it has too much to send."""
        if self._socket is None or self._paho.unsent >= MAX_UNSENT_PACKETS:
            return None
        sent = self._paho.publish(topic, payload, qos, retained)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            return None
        self._paho.loop_write()
        return sent.mid

    async def publish(self, topic: str, payload: bytes, qos: int, retained: bool) -> None:
        """Returns when the broker has the message (QoS 1) or the socket has it (QoS 0)."""
        while (number := self.post(topic, payload, qos, retained)) is None:
            if self._socket is None:
                raise NotPublished(f"{topic}: the connection is gone")
            self._room.clear()
            await self._room.wait()
        if qos == 0:
            return
        # The broker's answer comes by the loop, so not before this await.
        published = self._publishing[number] = self._loop.create_future()
        try:
            await published
        finally:
            self._publishing.pop(number, None)

    def close(self) -> None:
        """Says goodbye where there is somebody to hear it, and lets go of the socket."""
        connected = self._socket
        if connected is not None:
            self._paho.disconnect()
            self._paho.loop_write()
            self._unwatch()
            connected.close()
        self._lose("closed")

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        self._room.set()
        for published in self._publishing.values():
            if not published.done():
                published.set_exception(NotPublished(f"the connection was lost: {reason}"))

    def _on_connect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        if self._welcome.done():
            return
        if code.is_failure:
            self._welcome.set_exception(Refused(f"the broker refused {self._settings.client_id}: {code}"))
        else:
            self._welcome.set_result(None)

    def _on_subscribe(self, client: Any, _: Any, number: int, codes: list[Any], properties: Any) -> None:
        refused = [
            topic
            for (topic, _), code in zip(self._settings.subscriptions, codes, strict=False)
            if code.is_failure
        ]
        if self._granted.done():
            return
        if refused:
            self._granted.set_exception(
                Refused(f"{self._settings.client_id} may not follow {', '.join(refused)}")
            )
        else:
            self._granted.set_result(None)

    def _on_message(self, client: Any, _: Any, message: paho.MQTTMessage) -> None:
        self._deliver(
            Received(
                message.topic,
                bytes(message.payload),
                message.qos,
                message.retain,
                message.dup,
                message.mid,
                self.generation,
            )
        )

    def _on_publish(self, client: Any, _: Any, number: int, code: Any, properties: Any) -> None:
        self._room.set()
        published = self._publishing.get(number)
        if published is not None and not published.done():
            published.set_result(None)

    def _on_disconnect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        self._lose(str(code))
