"""A person with a pass: comes, goes, and helps themselves when a gate has another opinion of where they are."""

import asyncio
from collections.abc import Awaitable, Callable

from domain.access.rules.facts import Direction
from domain.access.rules.reasons import Reason
from simulators.plan import Person
from simulators.presented import Presented

Show = Callable[[int, str, Direction], Awaitable[Presented]]
"""Shows a token at a gate in a direction."""

STROLL_S = 1.0
"""From one gate to the next; nobody is at two gates at once, and a gate would say so."""


class Visitor:
    """Walks a person through their gates."""

    def __init__(self, person: Person, show: Show, *, stroll_s: float = STROLL_S) -> None:
        self.person = person
        self._stroll_s = stroll_s
        self.inside = False
        self._show = show

    async def come(self) -> Presented:
        """Goes in through every gate from the street inward, as far as they let; returns the last answer."""
        for number, gate in enumerate(self.person.gates):
            await asyncio.sleep(self._stroll_s if number else 0)
            answer = await self._show(gate, self.person.token, "in")
            if answer.reason == Reason.PASSBACK:
                # The day before ended in the middle: to the gate they never left.
                await self._show(gate, self.person.token, "out")
                await asyncio.sleep(self._stroll_s)
                answer = await self._show(gate, self.person.token, "in")
            if not answer.passed:
                return answer
            self.inside = True
        return answer

    async def leave(self) -> Presented | None:
        """Goes out again through the same gates; None where they are not inside."""
        if not self.inside:
            return None
        self.inside = False
        for number, gate in enumerate(reversed(self.person.gates)):
            await asyncio.sleep(self._stroll_s if number else 0)
            answer = await self._show(gate, self.person.token, "out")
        return answer
