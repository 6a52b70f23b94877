"""An export of what was stated: lines of JSON, first the public keys, then each statement with its signature."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from domain.access.rules.statements import Omission, Root, key_id

_ENCODER = msgspec.json.Encoder(order="sorted")


class Exported(Struct, frozen=True):
    """What an export holds; roots by site and number."""

    keys: dict[str, bytes]
    roots: dict[tuple[int, int], Root]
    omissions: list[Omission]

    @property
    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """The keys, to verify with."""
        return {name: Ed25519PublicKey.from_public_bytes(key) for name, key in self.keys.items()}


def key_line(name: str, public_key: bytes) -> bytes:
    """Returns the line that tells a public key."""
    return _line("key", {"key": name, "publicKey": public_key.hex()})


def statement_line(statement: Root | Omission) -> bytes:
    """Returns the line of a statement: what is signed, the kind of line, and the signature."""
    kind = "root" if isinstance(statement, Root) else "omission"
    return _line(kind, statement.members | {"signature": statement.signature.hex()})


def read(lines: Iterable[bytes]) -> Exported:
    """Returns what the lines hold.

    Raises:
        ValueError: Some line is none of an export; it is named.
    """
    found = Exported({}, {}, [])
    for number, line in enumerate(lines, start=1):
        try:
            _take(found, msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"line {number} is none of an export: {problem}") from problem
    return found


def root_of(told: dict[str, Any]) -> Root:
    """Returns the root that a line tells."""
    return Root(
        site_id=told["site"],
        number=told["number"],
        minute=told["minute"],
        count=told["count"],
        root=bytes.fromhex(told["root"]),
        rows=bytes.fromhex(told["rows"]),
        previous=bytes.fromhex(told["previous"]),
        key=told["key"],
        signature=bytes.fromhex(told["signature"]),
    )


def omission_of(told: dict[str, Any]) -> Omission:
    """Returns the omission that a line tells."""
    return Omission(
        site_id=told["site"],
        day=date.fromisoformat(told["day"]),
        kind=told["kind"],
        events=told["events"],
        unreadable=told["unreadable"],
        term_days=told["term"],
        at=datetime.fromtimestamp(told["at"], UTC),
        key=told["key"],
        signature=bytes.fromhex(told["signature"]),
    )


def _take(found: Exported, told: dict[str, Any]) -> None:
    match told["type"]:
        case "key":
            public = bytes.fromhex(told["publicKey"])
            found.keys[key_id(public)] = public
        case "root":
            root = root_of(told)
            found.roots[root.site_id, root.number] = root
        case "omission":
            found.omissions.append(omission_of(told))
        case other:
            raise ValueError(f"there is no kind {other!r}")


def _line(kind: str, members: dict[str, Any]) -> bytes:
    return _ENCODER.encode(members | {"type": kind}) + b"\n"
