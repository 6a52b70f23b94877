"""A gate of another maker: the paho-mqtt library as it comes, and the documentation of the wire; none of our code."""

import hashlib
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.eventually import eventually

PATIENCE_S = 30
GENESIS = "0" * 64
DEFAULTS = {"tq": "ok", "src": "online"}


class Refused(Exception):
    """The broker does not let this account in."""


class ForeignGate:
    """One connection; what it heard is in `heard`, the journal's end in `seq` and `last_hash`."""

    def __init__(self, port: int, account: dict[str, Any]) -> None:
        self.root = str(account["topicRoot"])
        self.gate_id = int(account["gateId"])
        self.epoch = secrets.token_hex(8)
        self.seq, self.last_hash = 0, GENESIS
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.refusal: str | None = None
        self.granted: bool | None = None
        self.lost = False
        self._port = port
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=account["username"],
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(account["username"], account["password"])
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    async def connect(self) -> None:
        """Sign in, and follow what the server says to this gate."""
        will = json.dumps({"s": "offline", "e": self.epoch, "b": 1})
        self._client.will_set(f"{self.root}/up/state", will, qos=1, retain=True)
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        await eventually(lambda: self.granted or self.refusal is not None, PATIENCE_S)
        if self.refusal is not None:
            self.close()
            raise Refused(self.refusal)

    async def follow(self, topics: str) -> bool:
        """Ask for more than this gate's own topics; return whether that was granted."""
        self.granted = None
        self._client.subscribe(topics, qos=1)
        await eventually(lambda: self.granted is not None, PATIENCE_S)
        return bool(self.granted)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def cut(self) -> None:
        """Lose the connection without a goodbye."""
        self._client.loop_stop()
        connection = self._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)

    async def say(self, leg: str, said: Any, *, root: str = "", retain: bool = False) -> None:
        """Publish, and wait until the broker has it; ``said`` is a document or raw bytes."""
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        sent = self._client.publish(f"{root or self.root}/{leg}", payload, qos=1, retain=retain)
        await eventually(sent.is_published, PATIENCE_S)

    def shout(self, leg: str, payload: bytes) -> None:
        """Publish without waiting for anything."""
        self._client.publish(f"{self.root}/{leg}", payload, qos=1)

    async def be_born(self) -> None:
        """Say that the gate is here."""
        birth = {
            "s": "online",
            "e": self.epoch,
            "b": 1,
            "j": {"lo": 0, "hi": 0},
            "clk": now_ms(),
            "fw": "foreign 1",
        }
        await self.say("up/state", birth, retain=True)

    async def scan(self, token: str, direction: str = "in") -> dict[str, Any]:
        """Show a code, and return the decision."""
        request = secrets.token_hex(8)
        asked = {"e": self.epoch, "rid": request, "m": "qr", "tok": token, "d": direction}
        await self.say("up/scan", {**asked, "t": now_ms(), "exp": now_ms() + 5000})
        await eventually(lambda: self._answers(request), PATIENCE_S)
        return self._answers(request)[0]

    def _answers(self, request: str) -> list[dict[str, Any]]:
        return [said for topic, said in self.heard if topic.endswith("/dn/dec") and said["rid"] == request]

    def event(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next event of the journal, sealed as the documentation says; not sent yet."""
        self.seq += 1
        event = {**DEFAULTS, "e": self.epoch, "s": self.seq, "t": now_ms(), "k": kind, **members}
        if "p" in event:
            event["ps"] = secrets.token_hex(16)
        event["ph"] = self.last_hash
        self.last_hash = event["h"] = chained(self.last_hash, event)
        return event

    async def report(self, kind: str, **members: Any) -> dict[str, Any]:
        """Write an event into the journal and send it."""
        event = self.event(kind, **members)
        await self.say("up/evt", event)
        return event

    @property
    def acknowledged(self) -> int:
        """Up to which event of this journal the server has everything."""
        told = [said for topic, said in self.heard if topic.endswith("/dn/ack") and said["e"] == self.epoch]
        return max((said["u"] for said in told), default=0)

    async def until_acknowledged(self) -> None:
        """Wait until the server has all events."""
        await eventually(lambda: self.acknowledged == self.seq, PATIENCE_S)

    def _on_connect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self.refusal = str(code)
        else:
            client.subscribe(f"{self.root}/dn/#", qos=1)

    def _on_subscribe(self, client: Any, _: Any, number: int, codes: list[Any], properties: Any) -> None:
        self.granted = not any(code.is_failure for code in codes)

    def _on_message(self, client: Any, _: Any, message: Any) -> None:
        self.heard.append((message.topic, json.loads(message.payload)))

    def _on_disconnect(self, client: Any, _: Any, flags: Any, code: Any, properties: Any) -> None:
        self.lost = True


def chained(previous: str, event: dict[str, Any]) -> str:
    """The hash of an event: over the one before and its canonical form."""
    form = {
        name: value
        for name, value in event.items()
        if name not in ("ph", "h", "p", "ps") and value not in (None, {})
    }
    if "p" in event:
        form["pd"] = hashlib.sha256(bytes.fromhex(event["ps"]) + str(event["p"]).encode()).hexdigest()
    written = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(bytes.fromhex(previous) + written.encode()).hexdigest()


def now_ms() -> int:
    """The gate's clock."""
    return int(time.time() * 1000)


@asynccontextmanager
async def foreign_gate(port: int, account: dict[str, Any]) -> AsyncIterator[ForeignGate]:
    """A gate that is connected; a fresh account may be refused for a moment, so it tries again."""
    connected: list[ForeignGate] = []

    async def comes_in() -> bool:
        gate = ForeignGate(port, account)
        try:
            await gate.connect()
        except Refused:
            return False
        connected.append(gate)
        return True

    await eventually(comes_in, PATIENCE_S)
    try:
        yield connected[0]
    finally:
        connected[0].close()
