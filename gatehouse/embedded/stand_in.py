"""The MQTT broker where Mosquitto is missing: amqtt with Mosquitto's accounts and their control topic.

Run as `python -m gatehouse.embedded.stand_in PORT ACCOUNTS_FILE`. MQTT 3.1.1 only, and who speaks 5 is told so;
retained messages and the sessions of clients live in memory; a refused publication is acknowledged and dropped.
"""

import asyncio
import logging
import signal
import sys
from asyncio import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from gatehouse.embedded import accounts, control
from gatehouse.embedded.stored import save

KINDS = {
    Action.PUBLISH: "publishClientSend",
    Action.SUBSCRIBE: "subscribe",
    Action.RECEIVE: "publishClientReceive",
}


LEVEL_AT = 6
"""Where the variable header of a CONNECT has its version, after the name MQTT with its length."""
REFUSAL = b"\x20\x02\x00\x01"
"""The CONNACK of MQTT 3.1.1 that says: not this version."""


class Opened(StreamReaderAdapter):  # type: ignore[misc]  # amqtt has no types
    """A connection whose first bytes were looked at, and are read once more."""

    def __init__(self, reader: asyncio.StreamReader, seen: bytes) -> None:
        super().__init__(reader)
        self._seen = seen

    async def read(self, n: int = -1) -> bytes:
        if not self._seen:
            return bytes(await super().read(n))
        taken = self._seen if n < 0 else self._seen[:n]
        self._seen = self._seen[len(taken) :]
        return taken + bytes(await super().read(n - len(taken))) if n > len(taken) else taken


class AccountsFile:
    """The document as it is on disk now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = -1
        self._document = accounts.empty()

    @property
    def document(self) -> accounts.Document:
        changed_at = self.path.stat().st_mtime_ns
        if changed_at != self._read_at:
            self._document = msgspec.json.decode(self.path.read_bytes())
            self._read_at = changed_at
        return self._document

    def write(self, document: accounts.Document) -> None:
        """Replace the document as a whole, so that a crash leaves the old or the new one."""
        save(self.path, document)


class KnownAccounts(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets in whom the accounts file knows."""

    @dataclass
    class Config:
        path: str = ""

    def __init__(self, context: Any) -> None:  # Any: amqtt's
        super().__init__(context)
        self._file = AccountsFile(Path(self.config.path))

    async def authenticate(self, *, session: Session) -> bool:
        return accounts.knows(self._file.document, session.username, session.password)


class TopicRights(BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """Allows what the accounts file allows."""

    @dataclass
    class Config:
        path: str = ""

    def __init__(self, context: Any) -> None:  # Any: amqtt's
        super().__init__(context)
        self._file = AccountsFile(Path(self.config.path))

    async def topic_filtering(self, *, session: Session, topic: str, action: Action) -> bool:
        return accounts.may(self._file.document, session.username, KINDS[action], topic)


class StandIn(Broker):  # type: ignore[misc]  # amqtt has no types
    """A broker that answers the control topic; amqtt itself would close the connection of who sends there."""

    def __init__(self, port: int, path: Path) -> None:
        plugin = {"path": str(path)}
        # By name: this module runs as __main__, and amqtt imports its plugins by itself.
        plugins = {f"gatehouse.embedded.stand_in.{one}": plugin for one in ("KnownAccounts", "TopicRights")}
        super().__init__({"listeners": {"default": {"bind": f"127.0.0.1:{port}"}}, "plugins": plugins})
        self._file = AccountsFile(path)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Refuse MQTT 5, whose longer CONNECT amqtt would wait for ever to end."""
        try:
            seen, level = await _opening(reader)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        if level == 5:
            writer.write(REFUSAL)
            writer.close()
            return
        await self._client_connected(listener_name, Opened(reader, seen), StreamWriterAdapter(writer))

    async def _handle_message_delivery(
        self, client_session: Session, handler: Any, wait_deliver: Future[Any]
    ) -> bool:
        message = wait_deliver.result()
        if message is None or message.topic != accounts.CONTROL_TOPIC:
            return bool(await super()._handle_message_delivery(client_session, handler, wait_deliver))
        if await self._topic_filtering(client_session, message.topic, Action.PUBLISH):
            answer = await self._command(bytes(message.data))
            await self._broadcast_message(None, accounts.RESPONSE_TOPIC, answer, 1)
        return True

    async def _command(self, payload: bytes) -> bytes:
        before = self._file.document
        after, answer = control.handle(before, payload)
        if after != before:
            self._file.write(after)
            await self._throw_out(before, after)
        return answer

    async def _throw_out(self, before: accounts.Document, after: accounts.Document) -> None:
        """Disconnect those whose account is gone, disabled or has another password: at once, as the plugin does."""
        for session, handler in list(self._sessions.values()):
            was = accounts.find(before["clients"], "username", session.username)
            now = accounts.find(after["clients"], "username", session.username)
            if was is not None and (now is None or _lock(now) != _lock(was)):
                await handler.handle_connection_closed()


async def _opening(reader: asyncio.StreamReader) -> tuple[bytes, int]:
    """Return the first bytes of a connection, and the version they ask for."""
    seen = await reader.readexactly(2)
    while seen[-1] > 127 and len(seen) < 5:
        seen += await reader.readexactly(1)
    header = await reader.readexactly(LEVEL_AT + 1)
    return seen + header, header[LEVEL_AT]


def _lock(client: dict[str, Any]) -> tuple[object, object]:
    return client.get("password"), client.get("disabled", False)


async def main(port: int, path: Path) -> None:
    """Serve until asked to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    broker = StandIn(port, path)
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
