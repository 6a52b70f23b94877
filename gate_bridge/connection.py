"""One connection to the broker: paho on our event loop, from its first packet to its last.

1. A connection is used once. What was not acknowledged, on either side, dies with it: nothing that waited
   on a lost link is sent late on the next one.
2. A message is acknowledged only when asked to. The broker redelivers only on the next connection of a persistent
   session, and only what was not acknowledged.
3. Only the blocking steps of connecting (name, TCP, TLS) run on a thread; everything else is on the loop.
4. Messages and acknowledgements, which come by the thousand, are read and written here (`packets.py`), all that one
   turn of the loop has to say in one write; paho does the rest. Nothing else in the bridge imports it.
5. On MQTT 5 the broker says how many messages it takes before it answers, and why it takes one not at all; we say how
   many we take before we acknowledge, and how long it keeps our session.
"""

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gate_bridge import packets
from gate_bridge.inbox import Received
from gate_bridge.properties import written
from gate_bridge.settings import Outdated, Refused, Settings
from gate_bridge.trust import trust
from gate_bridge.under_way import NotPublished, UnderWay, words
from gate_bridge.wire import NO_PROPERTIES, Properties

logger = logging.getLogger(__name__)

CONNECT_DEADLINE_S = 4.0
RECEIVE_BYTES = 256 * 1024
MAX_UNSENT_BYTES = 4 * 1024 * 1024
MAX_UNACKNOWLEDGED = 1_000
RECEIVE_MAXIMUM = 2_000
"""So many wait here at most for their commit; the broker holds the rest, within bounds of its own."""
SESSION_EXPIRY_S = 24 * 60 * 60
_UNSUPPORTED = ReasonCode(PacketTypes.CONNACK, "Unsupported protocol version").value


class _Paho(paho.Client):
    """paho without its reading: it is handed the packets that are not read here.

    `_sock_recv`, `_packet_queue` and `_out_packet` are private names of paho 2; a test watches over them.
    """

    def __init__(self, settings: Settings, *, five: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if five else not settings.persistent,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._settings = settings
        self._five = five
        self._handed = b""

    def aim(self, host: str, port: int) -> None:
        """Says where to connect to, and how our session shall be."""
        keepalive_s, persistent = self._settings.keepalive_s, self._settings.persistent
        if not self._five:
            self.connect_async(host, port, keepalive_s)
            return
        wanted = PahoProperties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        wanted.ReceiveMaximum = RECEIVE_MAXIMUM
        wanted.SessionExpiryInterval = SESSION_EXPIRY_S if persistent else 0
        self.connect_async(host, port, keepalive_s, clean_start=not persistent, properties=wanted)

    def follow(self, subscriptions: tuple[tuple[str, int], ...]) -> None:
        """Subscribes."""
        if self._five:
            self.subscribe([(name, SubscribeOptions(qos)) for name, qos in subscriptions])
        else:
            self.subscribe(list(subscriptions))
        self.loop_write()

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

    def __init__(
        self, settings: Settings, generation: int, deliver: Callable[[Received], None], *, five: bool = True
    ) -> None:
        self.generation = generation
        self._five = five
        self._settings = settings
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._socket: Any = None  # Any: a plain socket or one of TLS
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self._granted: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._whole: deque[bytes] = deque()
        self._rest = b""
        self._outgoing = bytearray()
        self._under_way = UnderWay(MAX_UNACKNOWLEDGED)
        self._complained = False
        self._paho = _Paho(settings, five=five)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_disconnect = self._on_disconnect
        self._paho.connect_timeout = CONNECT_DEADLINE_S

    async def open(self) -> None:
        """Connects and subscribes.

        Raises:
            Outdated: the broker knows no MQTT 5.
            Refused: the broker said no.
            OSError: it could not be reached, or (TimeoutError) did not answer in time.
        """
        url = urlsplit(self._settings.url)
        secure = url.scheme == "mqtts"
        if url.username is not None:
            self._paho.username_pw_set(unquote(url.username), unquote(url.password or ""))
        if secure:
            self._paho.tls_set_context(trust(self._settings.ca_file))
        self._paho.aim(url.hostname or "localhost", url.port or (8883 if secure else 1883))
        await self._connect()
        self._watch()
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            await self._first(self._welcome)
            if self._settings.subscriptions:
                self._paho.follow(self._settings.subscriptions)
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
                topic, payload, qos, number, said = packets.published(packet, five=self._five)
                retained, again = bool(packet[0] & 1), bool(packet[0] & 8)
                self._deliver(Received(topic, payload, qos, retained, again, number, self.generation, said))
            elif kind == packets.PUBACK:
                self._acknowledged(*packets.acknowledged(packet))
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

    def post(
        self, topic: str, payload: bytes, qos: int, retained: bool, properties: Properties = NO_PROPERTIES
    ) -> int | None:
        """Hands a message to the connection; returns its number, or None when it has too much to send."""
        if self._socket is None or not self._has_room(qos):
            return None
        number = self._under_way.begin() if qos else 0
        beside = written(properties) if self._five else b""
        self._send(packets.publish(topic, payload, qos, retained, number, beside))
        return number

    def _has_room(self, qos: int) -> bool:
        if qos and self._under_way.full:
            return False
        return len(self._outgoing) + self._paho.unsent < MAX_UNSENT_BYTES

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

    async def publish(
        self, topic: str, payload: bytes, qos: int, retained: bool, properties: Properties = NO_PROPERTIES
    ) -> None:
        """Returns when the broker has the message (QoS 1) or the socket has it (QoS 0).

        Raises:
            NotPublished: the broker refused it, which only MQTT 5 tells, or the connection went away.
        """
        while (number := self.post(topic, payload, qos, retained, properties)) is None:
            if self._socket is None:
                raise NotPublished(f"{topic}: the connection is gone")
            self._under_way.room.clear()
            await self._under_way.room.wait()
        if qos and (reason := await self._under_way.answer(number)) >= packets.REFUSED:
            raise NotPublished(f"{topic}: the broker refused it: {words(reason)}")

    def _acknowledged(self, number: int, reason: int) -> None:
        awaited = self._under_way.end(number, reason)
        if reason >= packets.REFUSED and not awaited and not self._complained:
            # once: whoever may not publish here is told the same a thousand times a second
            self._complained = True
            logger.warning("%s: the broker refuses messages: %s", self._settings.client_id, words(reason))

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
        self._under_way.lose(reason)

    def _on_connect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        if self._welcome.done():
            return
        if code.is_failure:
            outdated = self._five and code.value == _UNSUPPORTED
            kind = Outdated if outdated else Refused
            self._welcome.set_exception(kind(f"the broker refused {self._settings.client_id}: {code}"))
            return
        said = getattr(properties, "ReceiveMaximum", MAX_UNACKNOWLEDGED)
        self._under_way.limit = min(said, MAX_UNACKNOWLEDGED)
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
