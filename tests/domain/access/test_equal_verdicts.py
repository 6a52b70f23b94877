"""The server and a gate that has just taken its list over say the same of whatever is shown, and why.

What changes by the minute (where passes are, how full zones are, who stands beside whom) is given to both as it is; all
else the gate knows from the list alone.

Proves: simulators/known.py, domain/access/rules/listing.py
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from sqlalchemy import text

from domain.access.operations.decisions import Decision
from domain.access.rules import live_code, token
from domain.access.rules.credentials import normalised
from domain.access.rules.decide import decide
from domain.access.rules.facts import GateFacts
from domain.access.rules.live_code import LiveCode
from domain.kernel import queries
from domain.kernel.caller import Caller
from simulators.known import Question
from simulators.memory import Seen
from tests.list_gate import ListGate
from tests.passes import with_live_code
from tests.premises import MORNING, Premises

EXAMPLES = int(os.environ.get("VERDICT_EXAMPLES", "40"))
PASSES, SCANS = 3, 8
EPOCH = b"epoch001"
ENDS = {
    ("entrance", "in"): (None, 0),
    ("entrance", "out"): (0, None),
    ("door", "in"): (0, 1),
    ("door", "out"): (1, 0),
}

spans = some.lists(some.integers(0, 24), min_size=2, max_size=4, unique=True).map(
    lambda marks: [[60 * a, 60 * b] for a, b in zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False)]
)
weeks = some.fixed_dictionaries(
    {"week": some.lists(spans, min_size=7, max_size=7), "holidays": some.just([]) | spans}
)


def few(
    usual: dict[str, Any], unusual: dict[str, list[Any]], most: int
) -> some.SearchStrategy[dict[str, Any]]:
    """Draws something that is as usual but for a few members: what differs in all is refused for the first of them."""
    names = some.lists(some.sampled_from(sorted(unusual)), max_size=most, unique=True)
    return names.flatmap(
        lambda chosen: some.fixed_dictionaries(
            {
                name: some.sampled_from(unusual[name]) if name in chosen else some.just(usual[name])
                for name in usual
            }
        )
    )


ZONE: dict[str, Any] = {
    "offline_policy": "list_ok", "scheduled": False, "passback": "hard", "in_order": False, "first_person": False,
    "opened": False, "two_person": False, "capacity": None, "inside": 0,
}  # fmt: skip
OTHER_ZONE: dict[str, list[Any]] = {
    "offline_policy": ["signed_ok"], "scheduled": [True], "passback": ["soft", "off", "timed"], "in_order": [True],
    "first_person": [True], "opened": [True], "two_person": [True], "capacity": [1, 2], "inside": [1, 2],
}  # fmt: skip
PASS: dict[str, Any] = {
    "zones": ("hall", "office"), "starts_h": -1, "lasts_h": 48, "entries": "many", "scheduled": False,
    "passback": None, "name": "Ada", "needs_escort": False, "escorts": False, "opens": False, "live_code": False,
    "unpaid": False, "revoked": False, "entered": 0, "inside": None, "moved_min": 5,
}  # fmt: skip
OTHER_PASS: dict[str, list[Any]] = {
    "zones": [("hall",), ("office",)], "starts_h": [1, 2], "lasts_h": [4, 8], "entries": ["single"],
    "scheduled": [True], "passback": ["soft", "off", "hard"], "name": ["Mallory", "Trent"], "needs_escort": [True],
    "escorts": [True], "opens": [True], "live_code": [True], "unpaid": [True], "revoked": [True], "entered": [1],
    "inside": ["hall", "office"], "moved_min": [45],
}  # fmt: skip
SCAN: dict[str, Any] = {
    "who": 0, "method": "qr", "gate": "entrance", "direction": "in", "after_h": 0, "mode": "normal", "broken": "",
    "code": "fresh", "wrong_pins": 0, "waits": False,
}  # fmt: skip
OTHER_SCAN: dict[str, list[Any]] = {
    "who": [1, 2], "method": ["nfc", "pin", "plate"], "gate": ["door"], "direction": ["out"],
    "after_h": [1, 2, 5, 7, 26, 47], "mode": ["locked", "free", "evacuate"], "broken": ["forged", "junk", "stranger"],
    "code": ["old", "used", "foreign", "none"], "wrong_pins": [5], "waits": [True],
}  # fmt: skip
HOURS = {"week": [[[540, 1080]]] * 7, "holidays": []}

ONE_BY_ONE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({}, {name: value}) for name, values in OTHER_PASS.items() for value in values),
    *(({name: value}, {}) for name, values in OTHER_ZONE.items() for value in values),
    *(({"first_person": True}, {"opens": opens}) for opens in (False, True)),
    ({"first_person": True, "opened": True}, {}),
    *(
        ({"passback": rule}, {"inside": "hall", "moved_min": ago})
        for rule in ("hard", "soft", "timed", "off") for ago in (5, 45)
    ),
    *(({"passback": "hard"}, {"inside": "hall", "passback": rule}) for rule in ("hard", "soft", "off")),
    *(({"passback": "off"}, {"inside": "hall", "passback": rule}) for rule in ("hard", "soft")),
    ({}, {"entries": "single", "entered": 1}),
    ({"holiday": True}, {"scheduled": True}),
    ({"holiday": True, "scheduled": True}, {}),
    ({"in_order": True}, {"inside": "hall"}),
]  # fmt: skip
"""Rules of both zones, and the terms of the first pass, where they differ from the usual: each member by itself."""
LOOKS: list[dict[str, Any]] = [
    {}, {"gate": "door"}, {"method": "nfc"}, {"method": "pin"}, {"method": "plate"}, {"after_h": 7}, {"after_h": 2},
    {"code": "old"}, {"code": "used"}, {"code": "foreign"}, {"code": "none"}, {"direction": "out"}, {"waits": True},
    {"broken": "forged"}, {"broken": "stranger"}, {"method": "pin", "wrong_pins": 5}, {"mode": "free"},
]  # fmt: skip

zones, passes, scans = few(ZONE, OTHER_ZONE, 3), few(PASS, OTHER_PASS, 3), few(SCAN, OTHER_SCAN, 2)


async def test_every_member_of_a_list_is_told_and_taken_as_it_is(premises: Premises):
    for rules, terms in ONE_BY_ONE:
        holiday, zone = rules.get("holiday", False), ZONE | {n: v for n, v in rules.items() if n != "holiday"}
        site = {"hours": HOURS, "holiday": holiday, "hall": zone, "office": zone}
        scene = await Scene.set(premises, site, [PASS | terms])
        for number, look in enumerate(LOOKS):
            online, offline = await scene.both(number, SCAN | look)
            assert offline == online, (rules, terms, look)


@settings(
    max_examples=EXAMPLES,
    derandomize="VERDICT_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    # Each try takes a tenth of a second, and the scene is told anyhow.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    site=some.fixed_dictionaries(
        {"hours": weeks, "holiday": some.booleans(), "hall": zones, "office": zones}
    ),
    given_passes=some.lists(passes, min_size=PASSES, max_size=PASSES),
    shown=some.lists(scans, min_size=SCANS, max_size=SCANS),
)
async def test_the_server_and_a_gate_that_has_its_list_say_the_same(
    premises: Premises, site: Any, given_passes: Any, shown: Any
):
    scene = await Scene.set(premises, site, given_passes)
    for number, scan in enumerate(shown):
        online, offline = await scene.both(number, scan)
        assert offline == online, (scan, given_passes[scan["who"]], site)


class Scene:
    """A site as one example has it, and a gate that was told its list."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self.gate: ListGate
        self.passes = list[Mapping[str, Any]]()

    @classmethod
    async def set(cls, premises: Premises, site: Any, given_passes: Any) -> "Scene":
        premises.house.clock.now = MORNING
        scene = cls(premises)
        # One gate through all examples: it comes to each site by changes.
        if "list gate" not in premises.house.__dict__:
            premises.house.__dict__["list gate"] = await ListGate.open(premises)
            for who, action in (("Mallory", "refuse"), ("Trent", "alert")):
                watched = {"kind": "name", "value": who, "action": action, "reason": "a test"}
                await premises.ask("guard", "access.watch", site_id=premises.ids["site"], **watched)
        scene.gate = premises.house.__dict__["list gate"]
        await scene._furnish(site)
        scene.passes = [await scene._pass(one) for one in given_passes]
        await scene.gate.take_all()
        assert scene.gate.lists.revision > 0
        return scene

    async def both(self, number: int, scan: Any) -> tuple[tuple[bool, str], tuple[bool, str]]:
        """What the server says, and what the gate says that knows the list."""
        self.premises.house.clock.now = MORNING + timedelta(hours=scan["after_h"])
        pass_ = self.passes[scan["who"]]
        presented = self._presented(pass_, scan)
        gate_id = self.premises.ids[scan["gate"]]
        await self._arrange(scan, gate_id, pass_)
        row = await self._row(scan, gate_id, presented)
        offline = self._alone(scan, gate_id, presented, row)
        runtime = self.premises.house.runtime
        members = {"gate_id": gate_id, "epoch": EPOCH, "rid": f"{number:08x}", "direction": scan["direction"]}
        arguments = runtime.operations["access.decide"].params(
            **members, presented=presented, method=scan["method"]
        )
        caller = Caller(roles=frozenset({"device"}), gate_id=gate_id)
        made: Decision = await runtime.call(caller, "access.decide", arguments)
        await self._run("DELETE FROM holds")
        return (made.admit, made.reason), offline

    def _alone(self, scan: Any, gate_id: int, presented: str, row: Mapping[str, Any]) -> tuple[bool, str]:
        known, lists = self.gate.lists.known, self.gate.lists
        leaves, enters = ENDS[scan["gate"], scan["direction"]]
        question = Question(
            gate=GateFacts(gate_id=gate_id, site_id=self.gate.site_id, mode=scan["mode"]),
            direction=scan["direction"],
            leaves=leaves,
            enters=enters,
            policy="list_ok",
            now=self.premises.now.timestamp(),
        )
        ordinals = {None: None, self.premises.ids["hall"]: 0, self.premises.ids["office"]: 1}
        seen = Seen(
            entered=row["entered"] or 0,
            held=row["held"],
            inside_zone=row["inside_zone"],
            moved_at=row["moved_at"],
            last_step=row["code_step"] or 0,
            last_zone=ordinals[row["code_zone_id"]],
            capacity=row["capacity"],
            zone_inside=row["inside"] or 0,
            zone_held=row["zone_held"],
            escorted=bool(row["escorted"]),
            accompanied=bool(row["accompanied"]),
            failures=row["failures"],
        )
        facts = known.facts(known.read(scan["method"], presented, lists.keys), question, seen)
        verdict = decide(facts, question.now)
        return verdict.admit, verdict.reason.value

    def _presented(self, pass_: Mapping[str, Any], scan: Any) -> str:
        """What is held out: a code, or a card, PIN or plate; right, forged, or of nobody."""
        if scan["broken"] == "junk":
            return "no pass of ours"
        if scan["method"] != "qr":
            return (
                {"nfc": "04FFFFFF", "pin": "0000", "plate": "X000XX"}[scan["method"]]
                if scan["broken"]
                else str(pass_[scan["method"]])
            )
        raw = token.sign(pass_["claim"], pass_["key"])
        if scan["broken"] == "forged":
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        if scan["broken"] == "stranger":
            raw = token.sign(msgspec.structs.replace(pass_["claim"], site_id=2**31, flags=0), pass_["key"])
        if scan["code"] == "none":
            return token.as_base64url(raw)
        step = live_code.step_of(self.premises.now.timestamp()) - (5 if scan["code"] == "old" else 0)
        about = pass_["claim"].pass_id + (scan["code"] == "foreign")
        key = live_code.day_key(pass_["live_key"], live_code.day_of(step))
        shown = LiveCode(step, live_code.code(live_code.secret(key, about), step))
        return token.as_qr_text(with_live_code(raw, shown))

    async def _furnish(self, site: Any) -> None:
        """Give the site these rules."""
        site_id, ask = self.premises.ids["site"], self.premises.ask
        if "hours" not in self.premises.ids:
            made = await ask(
                "manager", "access.create_schedule", site_id=site_id, name="hours", **site["hours"]
            )
            self.premises.ids["hours"] = made.schedule_id
        hours = self.premises.ids["hours"]
        await ask("manager", "access.change_schedule", schedule_id=hours, **site["hours"])
        day = MORNING.date().isoformat()
        await self._run("DELETE FROM holidays")
        if site["holiday"]:
            await ask("manager", "access.set_holiday", site_id=site_id, day=day, name="a holiday")
        for name in ("hall", "office"):
            rules = dict(site[name])
            inside, opened = rules.pop("inside"), rules.pop("opened")
            minutes = 30 if rules["passback"] == "timed" else None
            scheduled = hours if rules.pop("scheduled") else None
            zone_id = self.premises.ids[name]
            given_rules = rules | {"passback_minutes": minutes, "schedule_id": scheduled}
            await ask("manager", "access.change_zone", zone_id=zone_id, **given_rules)
            moved = {"inside": inside, "id": zone_id}
            await self._run("UPDATE zones SET inside = :inside, opened_at = NULL WHERE id = :id", **moved)
            if opened:
                await ask("guard", "access.open_zone", zone_id=zone_id)

    async def _pass(self, terms: Any) -> Mapping[str, Any]:
        """Issue a pass with a card, a PIN and a plate, and put it where it is."""
        ask, ids = self.premises.ask, self.premises.ids
        start = MORNING + timedelta(hours=terms["starts_h"])
        made = await ask(
            "manager",
            "access.create_pass",
            site_id=ids["site"],
            kind="badge",
            start=start.isoformat(),
            end=(start + timedelta(hours=terms["lasts_h"])).isoformat(),
            holder_name=terms["name"],
            zone_ids=[ids[name] for name in terms["zones"]],
            schedule_id=ids["hours"] if terms["scheduled"] else None,
            **{
                name: terms[name]
                for name in ("entries", "passback", "needs_escort", "escorts", "opens", "live_code")
            },
        )
        card, plate = f"{made.pass_id:08X}", f"A{made.pass_id:06d}"
        for kind, value in (("nfc", card), ("plate", plate)):
            await ask("desk", "access.add_credential", pass_id=made.pass_id, kind=kind, value=value)
        pin = (await ask("desk", "access.give_pin", pass_id=made.pass_id)).pin
        if terms["unpaid"]:
            await ask("desk", "access.change_pass", pass_id=made.pass_id, unpaid=True)
        if terms["revoked"]:
            await ask("guard", "access.revoke_pass", pass_id=made.pass_id)
        await self._run(
            "UPDATE grants SET entered = :entered, inside_zone_id = :zone, moved_at = :at WHERE id = :id",
            entered=terms["entered"],
            zone=ids[terms["inside"]] if terms["inside"] else None,
            at=MORNING - timedelta(minutes=terms["moved_min"]),
            id=made.pass_id,
        )
        keys = text("SELECT seed, live_key FROM pass_keys, site_lists WHERE site_id = :site")
        async with self.premises.house.runtime.readers() as db:
            seed, live_key = (await db.execute(keys, {"site": ids["site"]})).one()
        key = Ed25519PrivateKey.from_private_bytes(seed)
        claim = token.PassClaim(
            key_id=1,
            pass_id=made.pass_id,
            site_id=ids["site"],
            zones=sum(1 << ("hall", "office").index(name) for name in terms["zones"]),
            not_before=int(start.timestamp()),
            minutes=60 * terms["lasts_h"],
            flags=(terms["entries"] == "single") + 2 * terms["needs_escort"] + 4 * terms["live_code"],
        )
        return {"claim": claim, "key": key, "live_key": live_key, "nfc": card, "plate": plate, "pin": pin}

    async def _arrange(self, scan: Any, gate_id: int, pass_: Mapping[str, Any]) -> None:
        """Have the gate's mode, the wrong PINs before, who waits beside, and the code that was taken already."""
        pass_id, now = pass_["claim"].pass_id, self.premises.now
        await self._run("UPDATE gates SET mode = :mode WHERE id = :id", mode=scan["mode"], id=gate_id)
        await self._run("DELETE FROM decisions")
        step = live_code.step_of(now.timestamp()) if scan["code"] == "used" else 0
        await self._run(
            "UPDATE grants SET code_step = :step, code_zone_id = :zone WHERE id = :id",
            step=step,
            zone=self.premises.ids["hall" if scan["gate"] == "entrance" else "office"],
            id=pass_id,
        )
        tried = ["unknown"] * scan["wrong_pins"] + ["second_person"] * scan["waits"]
        for number, reason in enumerate(tried):
            await self._tried(number, gate_id, reason, now)

    async def _tried(self, number: int, gate_id: int, reason: str, now: datetime) -> None:
        await self._run(
            "INSERT INTO decisions (id, gate_id, epoch, rid, grant_id, method, direction, admit, reason, at, trace)"
            " VALUES (:id, :gate, 'e', 'r', 0, 'pin', 'in', false, :reason, :at, '[]')",
            id=str(number),
            gate=gate_id,
            reason=reason,
            at=now - timedelta(seconds=5),
        )

    async def _row(self, scan: Any, gate_id: int, presented: str) -> Mapping[str, Any]:
        """The facts as the server finds them, for what both are given."""
        key_id, pass_id = (token.peek(presented) if scan["method"] == "qr" else None) or (None, None)
        plain = None if scan["method"] == "qr" else normalised(scan["method"], presented)
        credential = None if plain is None else f"{scan['method']}:{plain}"
        asked = {
            "gate_id": gate_id, "epoch": EPOCH, "rid": "other", "direction": scan["direction"],
            "method": scan["method"], "key_id": key_id, "pass_id": pass_id, "credential": credential,
            "now": self.premises.now,
        }  # fmt: skip
        statement = queries.load("domain.access", "facts_for_decision")
        async with self.premises.house.runtime.readers() as db:
            return dict((await db.execute(statement, asked)).mappings().one())

    async def _run(self, statement: str, **values: Any) -> None:
        async with self.premises.house.runtime.sessions.begin() as db:
            await db.execute(text(statement), values)
