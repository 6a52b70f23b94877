"""A turnstile: shows a pass to the server, decides itself when nobody answers, and tells what happened until heard.

1. A scan is asked once, again after 250 ms, and decided here after 400 ms, or at once without a link.
2. An answer nobody waits for any more opens nothing.
3. What happens goes to the journal first, then to the server.
"""

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct
from msgspec.structs import replace

from domain.access.rules.credentials import Method
from domain.access.rules.decide import PASSAGE_WINDOW_S
from domain.access.rules.facts import Direction
from gate_bridge import wire
from simulators.alone import Alone
from simulators.breakage import Breakage
from simulators.conditions import Conditions
from simulators.crash import NOWHERE, CrashPoint
from simulators.journal import Journal
from simulators.known import Shown
from simulators.link import Heard, Link
from simulators.lists import ListMessage, Lists
from simulators.orders import Orders
from simulators.plan import GatePlan
from simulators.presented import Presented, presented
from simulators.self_report import account_of, birth, heartbeat
from simulators.shelf import Shelf
from simulators.ticker import Ticker
from simulators.upload import Upload

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 0.25
DECIDE_AFTER_S = 0.4
HEARTBEAT_TICKS = 10
TRUSTED_CLOCK_MS = 5_000
"""A gate that the server's acknowledgements say is further off does not trust its clock."""


class _Answer(Struct, frozen=True, kw_only=True):
    admit: bool
    reason: str
    source: str
    decision_id: str | None = None
    pass_id: int | None = None
    open_s: float = PASSAGE_WINDOW_S


class Turnstile:
    """One gate; `run` it in a task, `present` passes to it from any other; sqlite3.Error ends the `run`, too."""

    def __init__(
        self,
        plan: GatePlan,
        journal: Journal,
        *,
        broker: str,
        keys: Mapping[int, Ed25519PublicKey],
        ca_file: str | None = None,
        clock: Callable[[], float] = time.time,
        ticker: Ticker | None = None,
        crash: CrashPoint = NOWHERE,
    ) -> None:
        self.plan = plan
        self.journal = journal
        self._clock = clock
        self._ticker = ticker
        self._ticks = 0
        self._lists = Lists(plan.site_id, Shelf(journal.database), keys)
        self._alone = Alone(plan, self._lists, clock)
        self._conditions = Conditions()
        self._orders = Orders((plan.site_id, plan.gate_id), journal, keys)
        self._offset_ms = 0
        """The gate's clock minus the server's."""
        self._lane = asyncio.Lock()
        self._asked: dict[str, asyncio.Future[wire.Decision]] = {}
        self._upload = Upload(journal, self._post, crash=crash)
        self._drained = asyncio.Event()
        self._breakage = Breakage()
        self._started = time.monotonic()
        self.last_command: Heard | None = None
        """As it came, for whoever repeats it."""
        self.account = account_of(plan, broker, ca_file)
        self.follows = [f"gh/1/{plan.site_id}/{whom}/dn/#" for whom in (plan.gate_id, "_all")]
        self._link = Link(
            self.account, self.follows, will=self._will, arrived=self._arrived, heard=self.heard
        )

    @property
    def connected(self) -> bool:
        """Whether the gate has its link."""
        return self._link.up.is_set()

    async def wait_connected(self, deadline_s: float) -> None:
        """Returns once the gate has its link, or raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            await self._link.up.wait()

    async def wait_drained(self, deadline_s: float) -> None:
        """Returns once the server has everything, or raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            await self._drained.wait()

    async def run(self) -> None:
        """Lives until cancelled, then says farewell; without a timer shared with others it brings its own."""
        ticker = self._ticker or Ticker()
        try:
            self._record("boot")
            with ticker.following(self._tick):
                async with asyncio.TaskGroup() as group:
                    if self._ticker is None:
                        group.create_task(ticker.run())
                    group.create_task(self._link.run())
                    group.create_task(self._breakage.ends())
        finally:
            await asyncio.to_thread(self.journal.close)

    async def present(
        self, token: str, direction: Direction, *, method: Method = "qr", walk: bool = True
    ) -> Presented:
        """Shows a pass, card, PIN or plate, and walks through where admitted (and willing); one person at a time."""
        async with self._lane:
            began = time.monotonic()
            request_id = secrets.token_hex(8)
            shown = self._alone.read(method, token)
            scan = self._scan(request_id, method, token, direction)
            answer = await self._ask(scan) or self._decide(shown, direction)
            asked = time.monotonic() - began
            pass_id = shown.pass_id or answer.pass_id
            self._alone.decided(method, shown, direction, pass_id, answer.reason)
            details = self._details(request_id, answer, pass_id, direction)
            decided = self._record(
                "decision", reason=answer.reason, result="admit" if answer.admit else "deny", **details
            )
            passed = answer.admit and await self._walk(walk, answer, pass_id, direction, details)
        return presented(self.plan.gate_id, decided, passed=passed, took_s=asked)

    def alarm(self, kind: str, *, on: bool) -> None:
        """Raises or clears an alarm such as `held_open`."""
        if self._conditions.took_place(
            self._record("alarm_on" if on else "alarm_off", extra={"alarm": kind})
        ):
            self._post("up/cond", self._conditions.said)

    def clock_stepped(self, by_s: float) -> None:
        """Notes that somebody has set the clock."""
        by_ms = round(by_s * 1000)
        self._offset_ms += by_ms
        self._record("clock_step", extra={"by_ms": by_ms})

    def journal_lost(self, why: str) -> None:
        """Notes that what the journal before this one held is gone."""
        self._record("journal_lost", extra={"why": why})

    def say(self, leg: str, payload: bytes, *, retained: bool = False) -> bool:
        """Sends bytes as they are, whatever they mean; returns whether there was somebody to take them."""
        topic = f"gh/1/{self.plan.site_id}/{self.plan.gate_id}/{leg}"
        return self._link.post(topic, payload, qos=1, retained=retained)

    async def _ask(self, scan: wire.Scan) -> _Answer | None:
        answered = self._asked[scan.request_id] = asyncio.get_running_loop().create_future()
        try:
            for attempt, patience_s in ((1, RETRY_AFTER_S), (2, DECIDE_AFTER_S - RETRY_AFTER_S)):
                asked, name = replace(scan, attempt=attempt), f"{scan.epoch}{scan.request_id}".encode()
                if not self._post("up/scan", asked, correlation=name):
                    return None
                await asyncio.wait([answered], timeout=patience_s)
                if answered.done():
                    break
            else:
                return None
        finally:
            del self._asked[scan.request_id]
        said = answered.result()
        return _Answer(
            admit=said.result == "admit",
            reason=said.reason,
            source="online",
            decision_id=said.decision_id or None,
            pass_id=said.pass_id,
            open_s=said.open_ms / 1000 or PASSAGE_WINDOW_S,
        )

    def _scan(self, request_id: str, method: Method, token: str, direction: Direction) -> wire.Scan:
        now = self._now_ms()
        return wire.Scan(
            epoch=self.journal.epoch,
            request_id=request_id,
            method=method,
            token=token[:512],
            direction=direction,
            at_ms=now,
            expires_ms=now + int(DECIDE_AFTER_S * 1000),
            zone_id=self.plan.to_zone.zone_id if self.plan.to_zone else None,
        )

    def _decide(self, shown: Shown, direction: Direction) -> _Answer:
        verdict = self._alone.decide(shown, direction, self._orders.mode(self._now_ms()))
        return _Answer(admit=verdict.admit, reason=verdict.reason, source="offline")

    async def _walk(
        self,
        willing: bool,
        answer: _Answer,
        pass_id: int | None,
        direction: Direction,
        details: dict[str, Any],
    ) -> bool:
        await asyncio.sleep(self.plan.walk_s if willing else answer.open_s)
        if willing and pass_id is not None:
            self._alone.walked(pass_id, direction)
        self._record("passage" if willing else "no_passage", **details)
        return willing

    def _details(
        self, request_id: str, answer: _Answer, pass_id: int | None, direction: Direction
    ) -> dict[str, Any]:  # Any: members of an event
        return {
            "request_id": request_id,
            "decision_id": answer.decision_id,
            "source": answer.source,
            "pass_id": pass_id,
            "direction": direction,
            "zone_id": self.plan.to_zone.zone_id if self.plan.to_zone else None,
        }

    def _record(self, kind: wire.Kind, **members: Any) -> wire.Event:  # Any: members of an event
        quality = "ok" if self._trusts_clock else "unsure"
        with self._breakage.noticed():
            event = self.journal.append(kind, self._now_ms(), clock=quality, **members)
            self._drained.clear()
            self._upload.appended(time.monotonic())
        return event

    @property
    def _trusts_clock(self) -> bool:
        return abs(self._offset_ms) < TRUSTED_CLOCK_MS

    def _now_ms(self) -> int:
        return max(0, int(self._clock() * 1000))

    def _post(self, leg: wire.Leg, message: wire.Message, *, correlation: bytes = b"") -> bool:
        place = self.plan.site_id, self.plan.gate_id
        beside = wire.Properties(
            expires_s=wire.EXPIRES_S.get(leg),
            response_topic=wire.topic(*place, "dn/dec") if leg == "up/scan" else "",
            correlation=correlation,
            historical=leg == "up/batch",
        )
        return self._link.post(
            wire.topic(*place, leg),
            wire.encode(message),
            qos=wire.QOS[leg],
            retained=leg in wire.RETAINED,
            properties=beside,
        )

    def _obey(self, command: wire.Command, heard: Heard) -> None:
        refusal = self._orders.refusal(command, heard.payload, self._now_ms() - self._offset_ms)
        told = {"cid": command.command_id, "verb": command.verb}
        self._record("cmd", reason=refusal or "ok", extra=told)
        if refusal is None:
            self._do(command)
        outcome = wire.Outcome(
            epoch=self.journal.epoch,
            command_id=command.command_id,
            done=refusal is None,
            reason=refusal or "ok",
            at_ms=self._now_ms(),
        )
        self._post("up/res", outcome, correlation=heard.correlation)

    def _do(self, command: wire.Command) -> None:
        match command.verb:
            case "open":
                zone_id = self.plan.to_zone.zone_id if self.plan.to_zone else None
                walked = {
                    "request_id": command.command_id,
                    "direction": command.direction,
                    "zone_id": zone_id,
                }
                self._record("passage", **walked)
            case "reboot":
                self._record("boot", extra={"why": "cmd"})
                self._birth()
            case "identify":
                logger.info("gate %d shows itself", self.plan.gate_id)

    def _will(self) -> tuple[str, bytes]:
        self._upload.disconnected()
        death = wire.Death(epoch=self.journal.epoch, session=self.journal.next_session())
        return wire.topic(self.plan.site_id, self.plan.gate_id, "up/state"), wire.encode(death)

    def _arrived(self) -> None:
        self._birth()
        self._upload.connected(time.monotonic())

    def _birth(self) -> None:
        said = birth(self.plan, self.journal, self._orders, self._lists, self._now_ms())
        self._post("up/state", said)
        self._post("up/cond", self._conditions.said)
        self._heartbeat()

    def _heartbeat(self) -> None:
        said = heartbeat(
            self.journal,
            self._orders,
            self._lists,
            self._now_ms(),
            offset_ms=self._offset_ms,
            uptime_s=time.monotonic() - self._started,
        )
        self._post("up/hb", said)

    def _tick(self) -> None:
        self._ticks += 1
        # The timer is that of many gates: what befalls this one is not theirs.
        with suppress(sqlite3.Error), self._breakage.noticed():
            self._upload.tick(time.monotonic())
        self._ask_for_list()
        if self._ticks % HEARTBEAT_TICKS == 0:
            self._heartbeat()

    def _list(self, message: ListMessage, payload: bytes) -> None:
        if self._lists.take(message, payload):
            self._heartbeat()
        self._ask_for_list()

    def _ask_for_list(self) -> None:
        if self._link.up.is_set() and (missing := self._lists.due(time.monotonic())) is not None:
            self._post("up/al/get", missing)

    def _read(self, heard: Heard) -> wire.Message | None:
        """Returns what a message says; None of what is not to be listened to."""
        try:
            message = wire.parse(heard.topic, heard.payload).message
        except wire.Malformed as error:
            logger.warning("gate %d ignores %s", self.plan.gate_id, error)
            return None
        if heard.retained and not isinstance(message, wire.Desired | wire.ListHead):
            logger.warning("gate %d ignores a retained %s", self.plan.gate_id, heard.topic)
            return None
        return message

    def heard(self, heard: Heard) -> None:
        """Takes in what the server says."""
        # Whoever calls is the loop, or has other gates too.
        with suppress(sqlite3.Error), self._breakage.noticed():
            self._heed(heard)

    def _heed(self, heard: Heard) -> None:
        message = self._read(heard)
        epoch = self.journal.epoch
        match message:
            case wire.Decision():
                waiting = self._asked.get(message.request_id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case wire.Desired():
                if self._orders.take(message, heard.payload):
                    told = {"mode": message.mode, "rev": message.revision}
                    self._record("mode", extra=told)
                self._heartbeat()
            case wire.ListHead() | wire.ListDelta() | wire.ListChunk():
                self._list(message, heard.payload)
            case wire.Command():
                self.last_command = heard
                self._obey(message, heard)
            case wire.Acknowledgement() if message.epoch == epoch:
                self._acknowledged(message)
            case wire.Want() if message.epoch == epoch:
                if message.rebirth:
                    self._birth()
                self._upload.wanted(message.ranges)
            case None:
                pass
            case _:
                logger.warning("gate %d has no use for %s", self.plan.gate_id, heard.topic)

    def _acknowledged(self, message: wire.Acknowledgement) -> None:
        trusted, self._offset_ms = self._trusts_clock, self._now_ms() - message.at_ms
        if self._trusts_clock != trusted:
            self._heartbeat()
        self._upload.acknowledged(message.up_to, time.monotonic())
        if self.journal.depth == 0:
            self._drained.set()
