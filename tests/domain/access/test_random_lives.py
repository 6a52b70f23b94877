"""Whatever lives passes lead, at gates with a link and without, the house knows of them what a child could work out.

The model below is the rules in their simplest form: a pass is where its latest walk led. Random lives are lived on a
real database through operations, and after each step the answers are compared, in the end all that is kept.

Proves: domain/access/operations/passages.py, domain/access/rules/passage.py
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.access.operations.recording import GateEvent
from tests.premises import Gate, Premises

LIVES = 30
PASSES, GATES = 2, 3
SAID = -1
"""Where somebody came from who did not walk: a guard said that they are there."""
A_MOMENT_S = 7
"""Longer than an admit keeps its place: nobody is still on the way when the next thing happens."""


@dataclass
class Pass:
    """What the model knows of a pass: whether it was withdrawn, and the walks that were told of or taken as true."""

    guest_pass_id: int
    grant_id: int
    token: str
    revoked: bool = False
    walks: list[tuple[datetime, int | None, int | None]] = field(default_factory=list)
    """When, the zone left and the zone entered; None is the street."""

    @property
    def inside(self) -> int | None:
        return max(self.walks)[2] if self.walks else None

    @property
    def entries(self) -> int:
        return sum(left is None for _, left, _ in self.walks)

    def answer(self, left: int | None, entered: int | None, direction: str) -> str:
        """Return what a gate with a link has to say."""
        if direction == "out":
            return "ok"  # nobody is held inside
        if self.revoked:
            return "revoked"
        from_the_street = left is None and self.inside is not None
        return "passback" if self.inside == entered or from_the_street else "ok"


@dataclass
class Lane:
    """A gate, its link, and what it has not told yet."""

    gate: Gate
    outer: int | None
    inner: int
    linked: bool = True
    untold: list[tuple[GateEvent, Pass | None]] = field(default_factory=list)
    told: list[GateEvent] = field(default_factory=list)

    def way(self, direction: str) -> tuple[int | None, int | None]:
        return (self.outer, self.inner) if direction == "in" else (self.inner, self.outer)

    def happened(self, kind: str, one: Pass, direction: str, **members: Any) -> None:
        """Write something into the journal."""
        about = {"direction": direction, "grant_id": one.grant_id, "salt": bytes(16)}
        event = self.gate.event(kind, **about, **members)
        self.untold.append((event, one if kind == "passage" else None))

    async def tell(self) -> None:
        """Upload, where there is a link; from then on the house knows."""
        if not self.linked or not self.untold:
            return
        events, self.untold = self.untold, []
        await self.gate.report(*(event for event, _ in events))
        self.told += [event for event, _ in events]
        for event, walker in events:
            if walker is not None:
                walker.walks.append((event.at, *self.way(str(event.direction))))

    async def tell_again(self) -> None:
        """Upload what is there already, as after a lost acknowledgement."""
        if self.linked and self.told:
            await self.gate.report(*self.told)


one_pass, one_gate = st.integers(0, PASSES - 1), st.integers(0, GATES - 1)
WILLING = st.sampled_from([True, True, True, False])
SCAN = st.tuples(st.just("scan"), one_pass, one_gate, st.sampled_from(["in", "out"]), WILLING)
LINK = st.tuples(st.sampled_from(["cut", "mend", "again"]), one_gate)
REVOKE = st.tuples(st.just("revoke"), one_pass)
FORGIVE = st.tuples(st.just("forgive"), one_pass, st.sampled_from([None, "hall", "office"]))
LINKS = st.tuples(*[st.booleans()] * GATES)
LIFE = st.lists(st.one_of(SCAN, SCAN, SCAN, SCAN, LINK, REVOKE, FORGIVE), min_size=10, max_size=16)
Step = tuple[Any, ...]


@settings(
    max_examples=LIVES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(links=LINKS, life=LIFE)
async def test_the_house_knows_of_every_life_what_the_model_works_out(
    premises: Premises, links: tuple[bool, ...], life: list[Step]
):
    passes, lanes = await people(premises), gates(premises, links)
    before = await counted(premises, passes)

    for step in life:
        premises.house.clock.advance(seconds=A_MOMENT_S)
        await live(premises, passes, lanes, step)
    for lane in lanes:
        lane.linked = True
        await lane.tell()
        await lane.tell_again()

    assert await counted(premises, passes) == expected(premises, passes, before)


async def live(premises: Premises, passes: Sequence[Pass], lanes: Sequence[Lane], step: Step) -> None:
    """Take one step of a life, and compare what is answered."""
    match step:
        case "scan", person, where, direction, willing:
            await scan(passes[person], lanes[where], direction, willing)
        case "cut", where:
            lanes[where].linked = False
        case "mend", where:
            lanes[where].linked = True
            await lanes[where].tell()
        case "again", where:
            await lanes[where].tell_again()
        case "revoke", person:
            one = passes[person]
            await premises.ask("admin", "access.revoke_guest_pass", guest_pass_id=one.guest_pass_id)
            one.revoked = True
        case "forgive", person, name:
            one, zone = passes[person], premises.ids[name] if name else None
            about: dict[str, Any] = {"site_id": premises.ids["site"], "guest_pass_id": one.guest_pass_id}
            await premises.ask("guard", "access.forgive_pass", zone_id=zone, reason="a test", **about)
            one.walks.append((premises.now, SAID, zone))


async def scan(one: Pass, lane: Lane, direction: str, willing: bool) -> None:
    """Show a pass; a gate without a link lets everybody in and tells later, which is the worst that can happen."""
    rid = f"{len(lane.told) + len(lane.untold):08x}"
    reason, source = "ok", "offline"
    if lane.linked:
        answer = await lane.gate.scan(one.token, direction, rid)
        reason, source = answer.reason, "online"
        assert reason == one.answer(*lane.way(direction), direction)
    about = {"rid": rid, "source": source, "historical": not lane.linked}
    lane.happened("decision", one, direction, admit=reason == "ok", reason=reason, **about)
    if reason == "ok":
        lane.happened("passage" if willing else "no_passage", one, direction, **about)
    await lane.tell()


async def people(premises: Premises) -> list[Pass]:
    """Fresh passes for the hall and the office."""
    now, made = premises.now, list[Pass]()
    for number in range(PASSES):
        given_pass = await premises.ask(
            "admin",
            "access.create_guest_pass",
            host_user_id=premises.people["member"].user_id,
            site_id=premises.ids["site"],
            guest_name=f"Guest {number}",
            zone_ids=[premises.ids["hall"], premises.ids["office"]],
            start=(now - timedelta(hours=1)).isoformat(),
            end=(now + timedelta(days=1)).isoformat(),
        )
        grant = await number_of(
            premises, f"SELECT grant_id FROM guest_passes WHERE id = {given_pass.guest_pass_id}"
        )
        made.append(Pass(given_pass.guest_pass_id, grant, given_pass.qr_token))
    return made


def gates(premises: Premises, links: tuple[bool, ...]) -> list[Lane]:
    """The entrance twice, as two devices of one place would be, and the door; each with a journal of this life."""
    hall, office = premises.ids["hall"], premises.ids["office"]
    life = int(premises.now.timestamp()).to_bytes(7, "big")
    return [
        Lane(Gate(premises, premises.ids[name], epoch=life + bytes([number])), outer, inner, links[number])
        for number, (name, outer, inner) in enumerate(
            [("entrance", None, hall), ("entrance", None, hall), ("door", hall, office)]
        )
    ]


async def counted(premises: Premises, passes: Sequence[Pass]) -> dict[str, int | None]:
    """Return all that the house keeps of these passes, and how full its zones are."""
    kept: dict[str, int | None] = {}
    for name in ("hall", "office"):
        kept[name] = await number_of(premises, f"SELECT inside FROM zones WHERE id = {premises.ids[name]}")
    for number, one in enumerate(passes):
        grant = f"FROM grants WHERE id = {one.grant_id}"
        kept[f"{number} entered"] = await number_of(premises, f"SELECT entered {grant}")
        kept[f"{number} is in"] = await number_of(premises, f"SELECT inside_zone_id {grant}")
        visits = f"SELECT count(*) FROM visits WHERE guest_pass_id = {one.guest_pass_id}"
        kept[f"{number} was seen"] = await number_of(premises, visits)
    return kept


def expected(
    premises: Premises, passes: Sequence[Pass], before: dict[str, int | None]
) -> dict[str, int | None]:
    """Return what the model says of the same; people of earlier lives are still where they were."""
    known: dict[str, int | None] = {}
    for name in ("hall", "office"):
        known[name] = (before[name] or 0) + sum(one.inside == premises.ids[name] for one in passes)
    for number, one in enumerate(passes):
        known[f"{number} entered"] = one.entries
        known[f"{number} is in"] = one.inside
        walked = [(left, entered) for _, left, entered in one.walks if left != SAID]
        known[f"{number} was seen"] = sum(None in ends for ends in walked)
    return known


async def number_of(premises: Premises, question: str) -> Any:
    async with premises.house.runtime.readers() as db:
        return (await db.execute(text(question))).scalar_one()
