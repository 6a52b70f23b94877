"""The fleet file: which gates there are, who walks through them, how the day goes, and what goes wrong.

JSON in camelCase, so that the answer of `POST /gates/{gateId}/device` fits into `gates` as it is. Paths are
relative to the folder of the file.
"""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from domain.access.rules import token
from domain.access.rules.facts import Direction, OfflinePolicy
from simulators.address import address
from simulators.faults import BadFault, Fault, check, process_cuts

GATES_PER_PROCESS = 1_000


class PlanUnreadable(Exception):
    """The fleet file is missing or says something else than a fleet; the message tells where."""


class Zone(Struct, frozen=True, rename="camel"):
    """A side of a gate."""

    zone_id: int
    ordinal: Annotated[int, Meta(ge=0, le=31)]


class GatePlan(Struct, frozen=True, kw_only=True, rename="camel"):
    """One gate: its account and what it must know to decide alone."""

    gate_id: int
    site_id: int
    password: str
    username: str = ""
    """Empty = the gate's id."""
    name: str = ""
    from_zone: Zone | None = None
    """Where one comes from who goes in; None = the street."""
    to_zone: Zone | None = None
    directions: tuple[Direction, ...] = ("in", "out")
    policy: OfflinePolicy = "signed_ok"
    walk_s: float = 0.2
    """How long a person takes to walk through."""
    mqtt: Literal["5", "3.1.1"] = "5"
    """MQTT 5, and 3.1.1 where the broker refuses that; or 3.1.1 from the start."""
    keepalive_s: Annotated[int, Meta(ge=1, le=3600)] = 15
    """After how long a silence gate and broker look whether the other is still there."""


class Person(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody with a pass; whether it still opens anything is the server's affair."""

    token: str
    gates: tuple[int, ...]
    """The entrances they use, from the street inward; the first of them to come in and to leave."""
    name: str = ""


class Scenario(Struct, frozen=True, kw_only=True, rename="camel"):
    """A working day."""

    speed: Annotated[float, Meta(gt=0)] = 60.0
    """How many seconds of the day pass in one."""
    seed: int = 1
    hours: Annotated[float, Meta(gt=0, le=24)] = 9.0
    alarms: int = 2
    repeat: bool = True


class FleetPlan(Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything the simulators know."""

    broker: str
    """`mqtt://host:port` or `mqtts://host:port`, without an account."""
    gates: tuple[GatePlan, ...]
    ca_file: str | None = None
    public_keys: dict[str, str] = {}
    """Key id → Ed25519 key as base64url: how offline gates check passes."""
    journals: str = "journals"
    control: str = "fleet.sock"
    people: tuple[Person, ...] = ()
    scenario: Scenario | None = None
    keep_journals: bool = False
    """Keep acknowledged events too, for comparing with the server afterwards."""
    processes: Annotated[int, Meta(ge=0, le=64)] = 0
    """Over how many processes the gates are spread; 0 = as many as they need."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong, and when."""
    speed: Annotated[float, Meta(gt=0)] = 1.0
    """How many seconds of the faults pass in one."""

    @property
    def spread(self) -> int:
        """Over how many processes the gates are spread."""
        return self.processes or max(1, ceil(len(self.gates) / GATES_PER_PROCESS))

    @property
    def fits_one_process(self) -> bool:
        """Whether no parent is needed, neither for so many gates nor to cut the power of a process."""
        return self.spread == 1 and not process_cuts(self.faults)

    @property
    def keys(self) -> Mapping[int, Ed25519PublicKey]:
        """The public keys by their ids, as gates check by them."""
        return {int(key_id): token.public_key(text) for key_id, text in self.public_keys.items()}

    def gate(self, gate_id: int) -> GatePlan | None:
        """Returns the gate of that id."""
        return next((gate for gate in self.gates if gate.gate_id == gate_id), None)


def load(path: Path) -> FleetPlan:
    """Reads a fleet file.

    Raises:
        PlanUnreadable: and why.
    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=FleetPlan)
        encrypted = _encrypted(plan.broker)
        _check_keys(plan.public_keys)
        check(plan.faults, {gate.gate_id for gate in plan.gates}, encrypted=encrypted)
    except OSError as error:
        raise PlanUnreadable(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError, BadFault) as error:
        raise PlanUnreadable(f"{path}: {error}") from error
    return plan


def _encrypted(broker: str) -> bool:
    try:
        return address(broker).secure
    except ValueError as problem:
        raise ValueError(f"{problem} - at `$.broker`") from problem


def _check_keys(texts: Mapping[str, str]) -> None:
    for key_id, text in texts.items():
        if not (key_id.isascii() and key_id.isdecimal()):
            raise ValueError(f"the id of a key is a whole number - at `$.publicKeys.{key_id}`")
        try:
            token.public_key(text)
        except ValueError as problem:
            raise ValueError(f"is no Ed25519 key as base64url - at `$.publicKeys.{key_id}`") from problem
