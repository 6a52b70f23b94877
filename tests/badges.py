"""Badges and cards for tests of the rules, and what people do with them at gates."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.access.operations.decisions import Decision
from tests.premises import Gate, Premises

CARD = "04A2245B6C8190"


async def a_badge(premises: Premises, who: str = "manager", *, card: str = "", **members: Any) -> Any:
    """Issue a badge for hall and office, valid for a year, with a card if one is named."""
    given: dict[str, Any] = {
        "site_id": premises.ids["site"],
        "kind": "badge",
        "holder_name": "Ann Example",
        "start": (premises.now - timedelta(days=1)).isoformat(),
        "end": (premises.now + timedelta(days=365)).isoformat(),
        "zone_ids": [premises.ids["hall"], premises.ids["office"]],
    }
    made = await premises.ask(who, "access.create_pass", **given | members)
    if card:
        await premises.ask("desk", "access.add_credential", pass_id=made.pass_id, kind="nfc", value=card)
    return made


async def a_guest(premises: Premises, **members: Any) -> Any:
    """Have the member expect somebody for eight hours."""
    given = {
        "guest_name": "Ada Lovelace",
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=8)).isoformat(),
    }
    return await premises.ask("member", "access.create_guest_pass", **given | members)


async def zone_rule(premises: Premises, zone: str, **rules: Any) -> Any:
    """Change the rules of a zone."""
    return await premises.ask("manager", "access.change_zone", zone_id=premises.ids[zone], **rules)


@dataclass
class Visitors:
    """People who show things at a gate, each time with a request of its own, and walk through it."""

    gate: Gate

    async def show(self, presented: str, method: str = "nfc", direction: str = "in") -> Decision:
        """Show something; the trace is written as the bridge writes it."""
        decided = await self.gate.scan(presented, direction, secrets.token_hex(8), method)
        await self.gate.premises.serve("access.write_decisions", decisions=[decided])
        return decided

    async def reason(self, presented: str, method: str = "nfc", direction: str = "in") -> str:
        """Show something and return the reason of the answer."""
        return (await self.show(presented, method, direction)).reason

    async def walk(self, presented: str, method: str = "nfc", direction: str = "in") -> Decision:
        """Show something that opens, and walk through."""
        decided = await self.show(presented, method, direction)
        assert decided.admit, decided.reason
        await self.gate.report(passage_of(self.gate, decided))
        return decided


def passage_of(gate: Gate, decided: Decision, **members: Any) -> Any:
    """Return the event of a walk through the gate after an answer."""
    about = {"rid": decided.rid, "decision": decided.decision, "direction": decided.direction}
    return gate.event("passage", grant_id=decided.grant_id, **about | members)
