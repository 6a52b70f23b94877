"""What one connection has asked for, run in order; it exists only while something is under way.

1. What asks nothing of the world is done at once, without a task.
2. One task runs commands and chores in their order and ends when none is left; calls run beside it, a bounded number
   of them, and the command after too many calls waits for one of them.
3. Calls are let finish when the client is gone; everything else ends with the connection.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Protocol, get_args

from msgspec.structs import fields

from channels.effects import Ask, Steps
from channels.protocol.codes import DisconnectCode
from channels.protocol.exceptions import FabricError
from channels.protocol.messages import Command
from channels.session import Session
from server.answers import Asker
from server.websocket.shared import Shared

logger = logging.getLogger(__name__)

_METHODS: Final = {
    kind: field.name for field in fields(Command) for kind in get_args(field.type) if kind is not type(None)
}
CHORE: Final = ""

Begun = tuple[Steps[None], Ask[Any], str]
"""Steps that have asked their first question, and the method they belong to."""


class Worked(Asker, Protocol):
    """Whose work it is."""

    session: Session

    def follow_up(self, method: str) -> None:
        """Do what the session wants by now; replies are counted under ``method``."""

    def rest(self) -> None:
        """Learn that nothing is under way any more."""

    def resume_reading(self) -> None:
        """Read on where reading was paused."""


class Work:
    """The commands of one connection that wait, and those that run."""

    __slots__ = ("_beginning", "_calls", "_connection", "_ended", "_shared", "_task", "_waiting")

    def __init__(self, connection: Worked, shared: Shared) -> None:
        self._connection = connection
        self._shared = shared
        self._waiting: deque[Command] = deque()
        self._task: asyncio.Task[None] | None = None
        self._calls = 0
        self._beginning = False
        self._ended = False

    def add(self, commands: Iterable[Command]) -> None:
        """Take commands in, and begin what can be begun."""
        self._waiting.extend(commands)
        self.proceed()

    def __len__(self) -> int:
        """How many commands wait."""
        return len(self._waiting)

    def proceed(self) -> None:
        """Begin what can be begun."""
        if self._task is not None or self._beginning or self._ended:
            return
        self._beginning = True
        begun = self._next()
        self._beginning = False
        if self._ended:
            return
        if begun is not None:
            self._task = self._shared.start(self._run(begun))
        else:
            self._rest()

    def end(self) -> None:
        """Drop what waits, stop what runs except calls, and do the connection's last steps."""
        self._ended = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        begun = self._begin(self._connection.session.end(), CHORE)
        if begun is not None:
            self._shared.start(self._go(begun))

    # In order

    async def _run(self, begun: Begun | None) -> None:
        try:
            while begun is not None:
                await self._go(begun, whatever_happens=False)
                begun = None if self._ended else self._next()
        finally:
            self._task = None
            self._rest()

    def _rest(self) -> None:
        if not self._calls and not self._waiting and not self._ended:
            self._connection.rest()

    def _next(self) -> Begun | None:
        """Begin chores and commands up to the first that has to wait for an answer."""
        session = self._connection.session
        while not self._ended:
            if session.chores:
                chore = session.next_chore()
                assert chore is not None
                begun = self._begin(chore, CHORE)
            elif self._waiting and not self._is_held_back(self._waiting[0]):
                begun = self._take(self._waiting.popleft())
                if len(self._waiting) == self._shared.limits.waiting_commands // 2:
                    asyncio.get_running_loop().call_soon(self._connection.resume_reading)
            else:
                return None
            if begun is not None:
                return begun
        return None

    def _is_held_back(self, command: Command) -> bool:
        full = self._calls >= self._shared.limits.concurrent_calls
        return full and self._connection.session.is_call(command)

    def _take(self, command: Command) -> Begun | None:
        """Begin a command; None where nothing of it has to be waited for in order."""
        session = self._connection.session
        method = _METHODS.get(type(command.request), CHORE)
        steps = session.handle(command)
        if steps is None:
            self._connection.follow_up(method)
            return None
        begun = self._begin(steps, method)
        if begun is None or not session.is_call(command):
            return begun
        self._calls += 1
        self._shared.hub.numbers.calls += 1
        self._shared.start(self._call(begun))
        return None

    def _begin(self, steps: Steps[None], method: str) -> Begun | None:
        question = self._advance(steps, method)
        return None if question is None else (steps, question, method)

    # Beside

    async def _call(self, begun: Begun) -> None:
        try:
            await self._go(begun)
        finally:
            self._calls -= 1
            self._shared.hub.numbers.calls -= 1
            self.proceed()

    # Step by step

    async def _go(self, begun: Begun, *, whatever_happens: bool = True) -> None:
        steps, asked, method = begun
        question: Ask[Any] | None = asked
        while question is not None:
            try:
                answer, rest = self._shared.answers.begin(self._connection, question)
                if rest is not None:
                    answer = await rest
            except FabricError as refusal:
                question = self._advance(steps, method, refusal=refusal)
            else:
                question = self._advance(steps, method, answer)
            if self._ended and not whatever_happens:
                return

    def _advance(
        self, steps: Steps[None], method: str, answer: Any = None, *, refusal: FabricError | None = None
    ) -> Ask[Any] | None:
        """Go on to the next question and do what is wanted by then; None at the end."""
        question: Ask[Any] | None = None
        try:
            question = steps.send(answer) if refusal is None else steps.throw(refusal)
        except StopIteration:
            pass
        except FabricError as error:
            logger.debug("a chore was refused: %s", error)
        except Exception:
            logger.exception("the session failed")
            self._connection.session.close(DisconnectCode.INTERNAL_ERROR)
        self._connection.follow_up(method)
        return question
