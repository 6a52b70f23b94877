"""The roots of a site, one after the other: none changed, none missing, the last of each key signed by a key we know.

A root holds the hash of the one before, signature and all, so that one good signature speaks for all roots before it up
to a break. Signatures are therefore checked where a stretch ends: at a break, at a change of the key, at the end.
"""

from collections.abc import Iterable, Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from domain.access.rules.statements import FIRST, Root

Keys = Mapping[str, Ed25519PublicKey]


class RootFinding(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is wrong with what was stated of a site's minute, in seconds of Unix time."""

    site_id: int
    minute: int
    problem: str


def check(roots: Iterable[Root], keys: Keys) -> Iterator[RootFinding]:
    """Yields what is wrong with roots that come by site and number."""
    last: Root | None = None
    for root in roots:
        before = last if last is not None and last.site_id == root.site_id else None
        joined = _continues(before, root)
        if not joined:
            yield _finding(root, "does not continue the root before it")
        if last is not None and not (joined and before is not None and before.key == root.key):
            yield from _unsigned(last, keys)
        last = root
    if last is not None:
        yield from _unsigned(last, keys)


def compare(
    exported: Mapping[tuple[int, int], Root], roots: Mapping[tuple[int, int], Root]
) -> Iterator[RootFinding]:
    """Yields where roots are not what they were when they were exported."""
    for place, root in exported.items():
        if place not in roots:
            yield _finding(root, "has a root no more that was exported")
        elif roots[place] != root:
            yield _finding(root, "has another root than the one that was exported")


def _continues(before: Root | None, root: Root) -> bool:
    if before is None:
        return root.number == 1 and root.previous == FIRST
    follows = root.number == before.number + 1 and root.minute > before.minute
    return follows and root.previous == before.hash


def _unsigned(root: Root, keys: Keys) -> Iterator[RootFinding]:
    key = keys.get(root.key)
    if key is None:
        yield _finding(root, "is signed with a key that is not ours")
    elif not root.is_signed(key):
        yield _finding(root, "has a signature that is not good")


def _finding(root: Root, problem: str) -> RootFinding:
    return RootFinding(site_id=root.site_id, minute=root.minute, problem=problem)
