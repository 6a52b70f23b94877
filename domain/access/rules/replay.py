"""What follows from the access log for where everybody is: per zone the count, per pass where it is.

1. It is the arithmetic of the live state (`rules.passage`) over the same events, so that both are equal to the last
   bit; where they are not, the live state is wrong.
2. The order in which events are told changes nothing: transactions commit in another order than events are numbered.
3. What was folded up to some moment is an account like any other: `together` with the events since, it is the whole.
"""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from domain.access.rules.passage import OUTSIDE, Standing, Walk, after, put, together

Zone = int | None


class Count(Struct, frozen=True):
    """How many are in a zone, and of what that is the sum.

    ``went_elsewhere`` is what walks alone do not explain: passes that left by another zone than where they were seen
    last, or were told of late. ``inside`` = came - went + corrected + went_elsewhere.
    """

    inside: int
    came: int
    went: int
    corrected: int

    @property
    def went_elsewhere(self) -> int:
        """What is left over when all that was seen is added up."""
        return self.inside - (self.came - self.went + self.corrected)


class Tally(Struct, frozen=True):
    """What is known of a zone apart from where passes are; ``loose`` counts those without a pass we know."""

    loose: int = 0
    came: int = 0
    went: int = 0
    corrected: int = 0


class Replay(Struct):
    """An account of events, told one after the other in any order."""

    passes: dict[int, Standing] = field(default_factory=dict)
    loose: Counter[Zone] = field(default_factory=Counter)
    came: Counter[Zone] = field(default_factory=Counter)
    went: Counter[Zone] = field(default_factory=Counter)
    corrected: Counter[Zone] = field(default_factory=Counter)

    def walk(self, walk: Walk, pass_id: int | None) -> None:
        """Take a walk, of a pass of this site or of somebody without one."""
        self.pass_by(walk.left, walk.entered)
        if pass_id is None:
            self.loose[walk.left] -= 1
            self.loose[walk.entered] += 1
        else:
            self.passes[pass_id] = after(self.passes.get(pass_id, OUTSIDE), walk)

    def pass_by(self, left: Zone, entered: Zone) -> None:
        """Take that somebody walked whose moves are in another account."""
        self.went[left] += 1
        self.came[entered] += 1

    def put(self, number: int, at: datetime, zones: tuple[Zone, Zone], pass_id: int | None) -> None:
        """Take that somebody on duty said that a pass is not in the first of these zones but in the second.

        Without a pass it was of somebody whose moves are in another account.
        """
        was, now = zones
        self.corrected[was] -= 1
        self.corrected[now] += 1
        if pass_id is not None:
            self.passes[pass_id] = put(self.passes.get(pass_id, OUTSIDE), now, at, number)

    def correct(self, zone: Zone, delta: int) -> None:
        """Take that so many more or less were counted in a zone."""
        self.corrected[zone] += delta
        self.loose[zone] += delta

    def add_pass(self, pass_id: int, standing: Standing) -> None:
        """Take another account of a pass."""
        self.passes[pass_id] = together(self.passes.get(pass_id, OUTSIDE), standing)

    def add_zone(self, zone: Zone, tally: Tally) -> None:
        """Take another account of a zone."""
        self.loose[zone] += tally.loose
        self.came[zone] += tally.came
        self.went[zone] += tally.went
        self.corrected[zone] += tally.corrected

    def tallies(self) -> dict[int, Tally]:
        """Return what is known of zones apart from passes, for `add_zone` of a later account."""
        zones = {zone for zone in (*self.loose, *self.came, *self.went, *self.corrected) if zone is not None}
        return {
            zone: Tally(self.loose[zone], self.came[zone], self.went[zone], self.corrected[zone])
            for zone in sorted(zones)
        }

    def counts(self) -> dict[int, Count]:
        """Return how many are in each zone that anything is known of."""
        seated = Counter(one.inside for one in self.passes.values() if one.inside is not None)
        tallies = self.tallies()
        return {
            zone: Count(known.loose + seated[zone], known.came, known.went, known.corrected)
            for zone in sorted({*tallies, *seated})
            for known in [tallies.get(zone, Tally())]
        }
