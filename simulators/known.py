"""What a gate knows of the passes of its site, and the facts that it decides on alone: pure, no wire and no disk.

1. A change tells how passes are now, so it may be put on any list between the two that it stands for.
2. Lines count from when they came. A list is whole when its lines are what the newest head tells of; only then its time
   is counted anew.
"""

from collections.abc import Iterable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct
from msgspec.structs import replace

from domain.access.rules import live_code, token
from domain.access.rules.credentials import LISTED_BYTES, Credential, Method, digest, normalised
from domain.access.rules.facts import (
    Direction,
    Facts,
    GateFacts,
    OfflinePolicy,
    PassFacts,
    ZoneFacts,
    facts_of_claim,
)
from domain.access.rules.hours import Hours, same_day, wall_clock
from domain.access.rules.listing import EMPTY, NEVER, Listed, facts_of, toggled
from domain.access.rules.live_code import CodeFacts, LiveCode
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim
from gate_bridge import wire
from simulators.memory import Seen


class Shown(Struct, frozen=True, kw_only=True):
    """What somebody shows, as far as it can be read."""

    claim: PassClaim | Credential | Reason
    code: LiveCode | None = None

    @property
    def pass_id(self) -> int | None:
        """The pass that it is about; None where it cannot be read."""
        return None if isinstance(self.claim, Reason) else self.claim.pass_id or None


class Question(Struct, frozen=True, kw_only=True):
    """Where, which way and when somebody shows something."""

    gate: GateFacts
    direction: Direction
    leaves: int | None
    enters: int | None
    policy: OfflinePolicy
    """Of the zone, where no list tells of it."""
    now: float


class Known:
    """A site's list as one gate has it."""

    def __init__(self) -> None:
        self.head: wire.ListHead | None = None
        self.lines: dict[int, Listed] = {}
        self.revision = 0
        """The lines are as of it."""
        self.good_until_ms = 0
        self._digest = EMPTY
        self._passes: dict[str, int] = {}
        self._hours: Mapping[int, Hours] = {}

    @property
    def is_whole(self) -> bool:
        """Whether lines and head are of one list."""
        head = self.head
        return (
            head is not None
            and self.revision == head.revision
            and (len(self.lines), self._digest.hex()) == (head.lines, head.digest)
        )

    def is_good(self, now: float) -> bool:
        """Returns whether there is a list, and it is not too old."""
        return now * 1000 < self.good_until_ms

    def begin(self, head: wire.ListHead) -> None:
        """Takes over a head; where the lines are those that it tells of, they are of its revision."""
        self.head = head
        self._hours = {
            int(number): msgspec.convert(msgspec.to_builtins(one), Hours)
            for number, one in head.hours.items()
        }
        if (len(self.lines), self._digest.hex()) == (head.lines, head.digest):
            self.revision = head.revision
        self._settle()

    def change(self, put: Iterable[Listed], gone: Iterable[int], revision: int) -> None:
        """Takes over lines, and the revision that they are of together with those that stay."""
        for pass_id in gone:
            self._drop(pass_id)
        for line in put:
            self._drop(line.pass_id)
            self.lines[line.pass_id] = line
            self._digest = toggled(self._digest, [line])
            self._passes |= dict.fromkeys(line.digests, line.pass_id)
        self.revision = revision
        self._settle()

    def replace(self, lines: Iterable[Listed], revision: int) -> None:
        """Takes over a whole list."""
        self.lines, self._passes, self._digest = {}, {}, EMPTY
        self.change(lines, (), revision)

    def read(self, method: Method, text: str, keys: Mapping[int, Ed25519PublicKey]) -> Shown:
        """Returns what is shown: a signed pass, or a card, PIN or plate of the list."""
        if method == "qr":
            return Shown(claim=token.read(text, keys), code=token.live_code_of(text))
        if self.head is None:
            return Shown(claim=Reason.OFFLINE)
        plain = normalised(method, text)
        if plain is None:
            return Shown(claim=Reason.UNKNOWN)
        whole = digest(bytes.fromhex(self.head.credential_key), method, plain)
        pass_id = self._passes.get(whole[:LISTED_BYTES].hex())
        return Shown(claim=Reason.UNKNOWN if pass_id is None else Credential(method=method, pass_id=pass_id))

    def facts(self, shown: Shown, question: Question, seen: Seen) -> Facts:
        """Returns what a gate decides on that has nobody to ask."""
        now, terms = question.now, self._zone(question.enters)
        policy = terms.policy if terms is not None else question.policy
        if not self.is_good(now) and (policy == "list_ok" or isinstance(shown.claim, Credential)):
            # A list too old is none; only who lets in everybody does not care.
            policy = policy if policy == "open" else "deny"
        return Facts(
            token=shown.claim,
            known=self._pass(shown.claim, question.gate.site_id, policy, seen),
            gate=question.gate,
            direction=question.direction,
            leaves=question.leaves,
            enters=self._entered(question.enters, terms, seen, now),
            link="offline",
            policy=policy,
            clock=wall_clock(now, self.head.time_zone, self.head.holidays) if self.head else None,
            code=self._code(shown, question.enters, seen),
            escorted=seen.escorted,
            accompanied=seen.accompanied,
            failures=seen.failures,
        )

    def _drop(self, pass_id: int) -> None:
        if (line := self.lines.pop(pass_id, None)) is not None:
            self._digest = toggled(self._digest, [line])
            for one in line.digests:
                if self._passes.get(one) == pass_id:
                    del self._passes[one]

    def _settle(self) -> None:
        if self.is_whole and self.head is not None:
            self.good_until_ms = self.head.expires_ms

    def _zone(self, ordinal: int | None) -> wire.ZoneTerms | None:
        zones = self.head.zones if self.head is not None else ()
        return next((zone for zone in zones if zone.ordinal == ordinal), None)

    def _pass(
        self, claim: PassClaim | Credential | Reason, site_id: int, policy: OfflinePolicy, seen: Seen
    ) -> PassFacts | None:
        """Returns what is believed of a pass: its line, or its own word where that is trusted, with what was seen."""
        if isinstance(claim, Reason):
            return None
        line = self.lines.get(claim.pass_id)
        if line is not None:
            told = facts_of(line, site_id, self._hours)
        elif isinstance(claim, PassClaim) and (policy != "list_ok" or claim.site_id != site_id):
            # That it is for another site a pass may say itself: it opens nothing.
            told = facts_of_claim(claim)
        else:
            return None
        return replace(
            told,
            entered=seen.entered,
            held=seen.held,
            inside_zone=seen.inside_zone,
            moved_at=seen.moved_at,
        )

    def _entered(
        self, ordinal: int | None, terms: wire.ZoneTerms | None, seen: Seen, now: float
    ) -> ZoneFacts | None:
        if ordinal is None:
            return None
        about = ZoneFacts(
            ordinal=ordinal, capacity=seen.capacity, inside=seen.zone_inside, held=seen.zone_held
        )
        if terms is None or self.head is None:
            return about
        opened = [at for at in (terms.opened_s, seen.opened_at) if at is not None]
        return replace(
            about,
            hours=None if terms.schedule_id is None else self._hours.get(terms.schedule_id, NEVER),
            passback=terms.passback,
            passback_s=60 * terms.passback_minutes,
            in_order=terms.in_order,
            first_person=terms.first_person,
            opened=bool(opened) and same_day(max(opened), now, self.head.time_zone),
            two_person=terms.two_person,
        )

    def _code(self, shown: Shown, enters: int | None, seen: Seen) -> CodeFacts | None:
        if shown.code is None or not isinstance(shown.claim, PassClaim):
            return None
        step = shown.code.step
        days = self.head.live_keys if self.head is not None else {}
        keys = {int(day): bytes.fromhex(key) for day, key in days.items()}
        return CodeFacts(
            step=step,
            genuine=live_code.is_genuine(shown.code, shown.claim.pass_id, keys),
            used=live_code.is_used(step, enters, last_step=seen.last_step, last_zone=seen.last_zone),
        )


def line_of(line: wire.Line) -> Listed:
    """Returns a line of the wire as the rules read it."""
    return msgspec.convert(msgspec.to_builtins(line), Listed)
