"""Which sites' gates a shard's session at the broker follows, and which it must have forgotten; pure.

1. A house whose sites are all in shard 0 follows everybody with one filter per leg.
2. A site that moves is followed by its new shard first. The old one goes on until that is noted, so that nothing falls
   between the two; what both of them take in, the log keeps once.
3. A session outlives its process, so that what it shall not follow is said each time anew, whatever it held before.
"""

from collections.abc import Sequence

from msgspec import Struct

from domain.sites.operations import Placement


class Following(Struct, frozen=True):
    """Sites by id; None stands for all of them, in one filter."""

    follows: tuple[int | None, ...]
    forgets: tuple[int | None, ...] = ()


EVERYWHERE = Following((None,))


def following(placements: Sequence[Placement], shard: int) -> Following:
    """Return what the session of a shard follows and forgets."""
    sites = [one.site_id for one in placements]
    if all(one.shard == one.followed == 0 for one in placements):
        return Following((None,), tuple(sites)) if shard == 0 else Following((), (None, *sites))
    mine = [one.site_id for one in placements if shard in (one.shard, one.followed)]
    return Following(tuple(mine), (None, *(site_id for site_id in sites if site_id not in mine)))


def newly_followed(placements: Sequence[Placement], shard: int) -> list[int]:
    """Return the sites of a shard that another's session is still noted for."""
    return [one.site_id for one in placements if one.shard == shard != one.followed]


def shards_of(placements: Sequence[Placement]) -> set[int]:
    """Return the shards that there are: that of each site, those that sites are leaving, and 0."""
    return {0} | {one.shard for one in placements} | {one.followed for one in placements}
