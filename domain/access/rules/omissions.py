"""Omissions: what was taken out of the log on purpose, held against what is missing from it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from domain.access.rules.root_chain import Keys
from domain.access.rules.statements import Omission

SiteDay = tuple[int, date]
Found = tuple[SiteDay, str]


def check(omissions: Iterable[Omission], keys: Keys) -> Iterator[Found]:
    """Yields notes that nobody of ours signed, and those of days that had not had their term."""
    for one in omissions:
        key = keys.get(one.key)
        if key is None or not one.is_signed(key):
            yield (one.site_id, one.day), f"is noted as {one.kind}, and the signature is not good"
        elif not one.was_due:
            yield (one.site_id, one.day), "was dropped before it had its term"


def compare(exported: Iterable[Omission], omissions: Iterable[Omission]) -> Iterator[Found]:
    """Yields notes that were exported and are there no more."""
    signatures = {one.signature for one in omissions}
    for one in exported:
        if one.signature not in signatures:
            yield (one.site_id, one.day), f"was exported as {one.kind}, and the note is there no more"


def uncovered(
    omissions: Iterable[Omission], missing: Mapping[SiteDay, int], erased: Mapping[SiteDay, int]
) -> Iterator[Found]:
    """Yields days from which more is missing than was noted as taken."""
    dropped, emptied = Counter[SiteDay](), Counter[SiteDay]()
    for one in omissions:
        taken = dropped if one.kind == "dropped" else emptied
        taken[one.site_id, one.day] += one.events + one.unreadable
    for day, count in missing.items():
        if count > dropped[day]:
            yield day, f"has {count} events less, and {dropped[day]} were dropped"
    for day, count in erased.items():
        if count > emptied[day]:
            yield day, f"has {count} events without their person, and {emptied[day]} were erased"
