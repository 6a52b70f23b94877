"""One connection to the broker: paho on our event loop, from its first packet to its last.

1. A connection is used once. What was not acknowledged, on either side, dies with it: nothing that waited
   on a lost link is sent late on the next one.
2. A message is acknowledged only when asked to. MQTT 3.1.1 redelivers only on the next connection of a
   persistent session, and only what was not acknowledged.
3. Only the blocking steps of connecting (name, TCP, TLS) run on a thread; everything else is on the loop.
4. Messages and acknowledgements, which come by the thousand, are read and written here (`packets.py`), all that one
   turn of the loop has to say in one write; paho does the rest. Nothing else in the bridge imports it.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

from gate_bridge import packets
from gate_bridge.inbox import Received

CONNECT_DEADLINE_S = 4.0
RECEIVE_BYTES = 256 * 1024
MAX_UNSENT_BYTES = 4 * 1024 * 1024
MAX_UNACKNOWLEDGED = 1_000
_NUMBERS = 65_535


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
    forgotten: tuple[str, ...] = ()
    """Filters that a session the broker has kept may still hold, and shall not."""
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
    """paho without its reading: it is handed the packets that are not read here.

    `_sock_recv`, `_packet_queue` and `_out_packet` are private names of paho 2; a test watches over them.
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
        self._handed = b""

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self._handed:
            raise BlockingIOError
        taken, self._handed = self._handed[:bufsize], self._handed[bufsize:]
        return taken

    def hand(self, packet: bytes) -> None:
        """Has paho handle a packet."""
        self._handed = packet
        while self._handed and self.loop_read() == paho.MQTT_ERR_SUCCESS:
            pass

    def end(self) -> None:
        """Has paho find that the broker is gone."""
        self._loop_rc_handle(paho.MQTT_ERR_CONN_LOST)

    def queue(self, packets: bytes) -> None:
        """Sends packets when the socket takes more."""
        self._packet_queue(paho.PUBACK, packets, 0, 1)

    @property
    def unsent(self) -> int:
        return sum(len(packet["packet"]) for packet in self._out_packet)


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
        self._number = 0
        self._whole: deque[bytes] = deque()
        self._rest = b""
        self._outgoing = bytearray()
        self._unacknowledged: dict[int, asyncio.Future[None] | None] = {}
        self._room = asyncio.Event()
        self._paho = _Paho(settings)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_disconnect = self._on_disconnect
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
            if self._settings.forgotten:
                self._paho.unsubscribe(list(self._settings.forgotten))
                self._paho.loop_write()

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
        if self._socket is None:
            return
        try:
            if not self._handle() or (data := self._receive()) is None:
                return
            whole, self._rest = packets.cut(self._rest + data if self._rest else data)
            self._whole.extend(whole)
            self._handle()
        except (packets.Broken, IndexError, OSError):
            self._paho.end()
            return
        # TLS may hold bytes that the loop does not hear of: until it is dry, it is our turn again.
        if isinstance(self._socket, ssl.SSLSocket):
            self._loop.call_soon(self._read)

    def _receive(self) -> bytes | None:
        """Returns what the socket has; None where that is nothing yet.

        Raises:
            OSError: the connection is no more.
        """
        try:
            data: bytes = self._socket.recv(RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        if not data:
            raise ConnectionError("the broker closed the connection")
        return data

    def _handle(self) -> bool:
        """Handles what was read, and returns whether there is room for more."""
        while self._whole and not self._paused:
            packet = self._whole.popleft()
            kind = packet[0] >> 4
            if kind == packets.PUBLISH:
                topic, payload, qos, number = packets.published(packet)
                retained, again = bool(packet[0] & 1), bool(packet[0] & 8)
                self._deliver(Received(topic, payload, qos, retained, again, number, self.generation))
            elif kind == packets.PUBACK:
                self._acknowledged(packets.number_of(packet))
            else:
                self._paho.hand(packet)
        return not self._paused

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
        self._send(packets.pubacks(numbers))

    def post(self, topic: str, payload: bytes, qos: int, retained: bool) -> int | None:
        """Hands a message to the connection; returns its number, or None when it has too much to send."""
        if self._socket is None or not self._has_room(qos):
            return None
        number = self._next_number() if qos else 0
        if qos:
            self._unacknowledged[number] = None
        self._send(packets.publish(topic, payload, qos, retained, number))
        return number

    def _has_room(self, qos: int) -> bool:
        if qos and len(self._unacknowledged) >= MAX_UNACKNOWLEDGED:
            return False
        return len(self._outgoing) + self._paho.unsent < MAX_UNSENT_BYTES

    def _next_number(self) -> int:
        while True:
            self._number = self._number % _NUMBERS + 1
            if self._number not in self._unacknowledged:
                return self._number

    def _send(self, data: bytes) -> None:
        """Sends at the end of this turn of the loop, together with all else that it has to say."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += data

    def _flush(self) -> None:
        data, sent = bytes(self._outgoing), 0
        self._outgoing.clear()
        if self._socket is None or not data:
            return
        if not self._paho.want_write():
            # what the socket does not take at once, or fails on, is paho's
            with suppress(OSError):
                sent = self._socket.send(data)
        if sent < len(data):
            self._paho.queue(data[sent:])
            self._paho.loop_write()

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
        published = self._unacknowledged[number] = self._loop.create_future()
        await published

    def _acknowledged(self, number: int) -> None:
        published = self._unacknowledged.pop(number, None)
        if published is not None and not published.done():
            published.set_result(None)
        self._room.set()

    def close(self) -> None:
        """Says goodbye where there is somebody to hear it, and lets go of the socket."""
        connected = self._socket
        if connected is not None:
            self._flush()
            self._paho.disconnect()
            self._paho.loop_write()
            self._unwatch()
            connected.close()
        self._lose("closed")

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        self._room.set()
        for published in self._unacknowledged.values():
            if published is not None and not published.done():
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

    def _on_disconnect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        self._lose(str(code))
