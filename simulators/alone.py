"""A gate's own judgement: what it was told, what it has seen, and the same rules as the server's."""

from collections.abc import Callable

from msgspec.structs import replace

from domain.access.rules.credentials import Method
from domain.access.rules.decide import decide
from domain.access.rules.facts import Direction, GateFacts, Mode
from domain.access.rules.listing import ListFlag, may_escort
from domain.access.rules.reasons import Reason
from domain.access.rules.verdict import Verdict
from simulators.known import Question, Shown
from simulators.lists import Lists
from simulators.memory import Memory, Seen
from simulators.plan import GatePlan


class Alone:
    """Reads what is shown, decides, and remembers what became of it, also of what the server decided."""

    def __init__(self, plan: GatePlan, lists: Lists, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._lists = lists
        self._clock = clock
        self._memory = Memory()

    def read(self, method: Method, text: str) -> Shown:
        """Returns what somebody shows, as far as the gate can tell."""
        return self._lists.known.read(method, text, self._lists.keys)

    def decide(self, shown: Shown, direction: Direction, mode: Mode) -> Verdict:
        """Returns whether to open."""
        leaves, enters = self._ends(direction)
        question = Question(
            gate=GateFacts(gate_id=self._plan.gate_id, site_id=self._plan.site_id, mode=mode),
            direction=direction,
            leaves=leaves,
            enters=enters,
            policy=self._plan.policy,
            now=self._clock(),
        )
        facts = self._lists.known.facts(shown, question, self._seen(shown, enters, question.now))
        return decide(facts, question.now)

    def decided(
        self, method: Method, shown: Shown, direction: Direction, pass_id: int | None, verdict: str
    ) -> None:
        """Remembers an answer, whoever gave it; `verdict` is its reason, `ok` for yes."""
        now, (_, enters) = self._clock(), self._ends(direction)
        if method == "pin" and verdict == Reason.UNKNOWN:
            self._memory.wrong_pin(now)
        if pass_id is None:
            return
        if verdict == Reason.SECOND_PERSON:
            self._memory.waits(pass_id, enters, now)
        if verdict == Reason.OK and direction == "in":
            step = shown.code.step if shown.code is not None else 0
            self._memory.admitted(pass_id, enters, now, step=step)

    def walked(self, pass_id: int, direction: Direction) -> None:
        """Remembers that somebody walked through."""
        now, (leaves, enters) = self._clock(), self._ends(direction)
        self._memory.walked(pass_id, leaves=leaves, enters=enters, now=now)
        line = self._lists.known.lines.get(pass_id)
        if enters is not None and line is not None and line.flags & ListFlag.OPENS:
            self._memory.opened(enters, now)

    def _seen(self, shown: Shown, enters: int | None, now: float) -> Seen:
        lines, pass_id = self._lists.known.lines, shown.pass_id or 0
        seen, guest = self._memory.seen(pass_id, enters, now), lines.get(pass_id)
        if guest is None:
            return seen
        others = (lines.get(other) for other in self._memory.companions(pass_id, enters, now))
        return replace(seen, escorted=any(other is not None and may_escort(other, guest) for other in others))

    def _ends(self, direction: Direction) -> tuple[int | None, int | None]:
        outer = self._plan.from_zone.ordinal if self._plan.from_zone else None
        inner = self._plan.to_zone.ordinal if self._plan.to_zone else None
        return (outer, inner) if direction == "in" else (inner, outer)
