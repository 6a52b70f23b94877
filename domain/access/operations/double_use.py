"""Double use: a pass let in at two gates that could not ask each other is found, and somebody hears of it.

1. A pass of one entry that comes in from the street a second time is one at once, whatever else may still be told.
2. A pass of many entries is one where the order of moments has two entries at different gates, one of them decided
   alone, and no way out between. The way out may come later: while a gate of the site has not told everything, the
   same is looked at again, some times over a day; then it is told with the gates that were not heard.
3. One look tells of a pair: that of the event which brought it to light.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.access.operations.alarms import raise_alarm
from domain.access.operations.passages import Passage
from domain.access.rules.double_use import Seen, doubles, told_by
from domain.access.rules.passage import moment
from domain.kernel import queries
from domain.kernel.context import Context

ALARM: Final = "double_use"
LOOK = "access.look_for_double_use"
PAUSES_S = (10, 60, 600, 3_600, 21_600, 57_600)
"""Before each look; six of them are a day."""
REACHES = timedelta(days=7)
"""So long before an entry the one before it is looked for."""
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
Pair = tuple[Seen, Seen]


async def look_for_double_use(ctx: Context, passages: Sequence[Passage], offline: Collection[int]) -> None:
    """Follow passages that were just recorded; ``offline`` are the events of those that a gate let in alone."""
    entries = [passage for passage in passages if passage.grant_id is not None and passage.walk.comes_in]
    if not entries:
        return
    grant_ids = {passage.grant_id for passage in entries}
    alone = {passage.grant_id for passage in entries if passage.access_id in offline}
    given = {"grant_ids": list(grant_ids), "offline_ids": list(alone)}
    rows = (await ctx.db.execute(queries.load("domain.access", "used_twice"), given)).all()
    site_of = {row.id: row.site_id for row in rows}
    single = {row.id for row in rows if row.entries == "single"}
    fresh = defaultdict[int, list[Passage]](list)
    for passage in entries:
        if passage.grant_id is not None and site_of.get(passage.grant_id) == passage.gate.site_id:
            fresh[passage.grant_id].append(passage)
    await _tell_of_single(ctx, {grant_id: fresh[grant_id] for grant_id in sorted(single & fresh.keys())})
    _put_off(ctx, [p for grant_id, those in fresh.items() if grant_id not in single for p in those], offline)


async def look_again(
    ctx: Context, *, site_id: int, pass_ids: list[int], access_ids: list[int], look: int
) -> None:
    """Tell of the pairs that these events brought to light, or look again later, while gates have more to tell."""
    since = ctx.now - REACHES - timedelta(seconds=sum(PAUSES_S))
    crossings = await _crossings(ctx, pass_ids, since)
    pairs = [
        (pass_id, pair)
        for pass_id, walks in sorted(crossings.items())
        for pair in doubles(walks)
        if told_by(pair) in access_ids
    ]
    if not pairs:
        return
    unheard = (
        await ctx.db.scalars(queries.load("domain.access", "unheard_gates"), {"site_id": site_id})
    ).all()
    if unheard and look < len(PAUSES_S):
        left = sorted({pass_id for pass_id, _ in pairs}), sorted(told_by(pair) for _, pair in pairs)
        _defer(ctx, site_id, *left, look=look)
        return
    for pass_id, pair in sorted(pairs, key=lambda found: found[1][1].gate_id):
        await _raise(ctx, site_id, pass_id, pair, {"unheard": unheard} if unheard else {})


async def _tell_of_single(ctx: Context, fresh: Mapping[int, Sequence[Passage]]) -> None:
    if not fresh:
        return
    crossings = await _crossings(ctx, fresh, ALWAYS)
    for pass_id, passages in fresh.items():
        new = {passage.access_id for passage in passages}
        entries = sorted(
            (walk for walk in crossings[pass_id] if walk.comes_in),
            # what was known before, in the order of moments; then what is told now
            key=lambda walk: (walk.number in new, walk.at, walk.number),
        )
        for walk in entries[1:]:
            if walk.number in new:
                await _raise(ctx, passages[0].gate.site_id, pass_id, (entries[0], walk), {})


def _put_off(ctx: Context, entries: Iterable[Passage], offline: Collection[int]) -> None:
    by_site = defaultdict[int, list[Passage]](list)
    for passage in entries:
        if passage.access_id in offline:
            by_site[passage.gate.site_id].append(passage)
    for site_id, those in sorted(by_site.items()):
        pass_ids = sorted({passage.grant_id for passage in those if passage.grant_id is not None})
        _defer(ctx, site_id, pass_ids, [passage.access_id for passage in those], look=0)


def _defer(ctx: Context, site_id: int, pass_ids: list[int], access_ids: list[int], *, look: int) -> None:
    run_at = ctx.now + timedelta(seconds=PAUSES_S[look])
    about = {"site_id": site_id, "pass_ids": pass_ids, "access_ids": access_ids}
    ctx.defer(LOOK, run_at=run_at, **about, look=look + 1)


async def _crossings(ctx: Context, pass_ids: Iterable[int], since: datetime) -> Mapping[int, list[Seen]]:
    given = {"grant_ids": sorted(pass_ids), "since": since}
    found = defaultdict[int, list[Seen]](list)
    for row in await ctx.db.execute(queries.load("domain.access", "crossings"), given):
        found[row.grant_id].append(
            Seen(
                number=row.id,
                gate_id=row.gate_id,
                at=moment(row.at, row.received_at, historical=row.historical, clock=row.clock),
                comes_in=row.comes_in,
                offline=row.source == "offline",
                again_after_s=row.again_after_s,
            )
        )
    return found


async def _raise(ctx: Context, site_id: int, pass_id: int, pair: Pair, more: Mapping[str, object]) -> None:
    detail = {
        "passId": pass_id,
        "gates": [walk.gate_id for walk in pair],
        "accessIds": [walk.number for walk in pair],
    }
    await raise_alarm(ctx, ALARM, site_id=site_id, gate_id=pair[1].gate_id, detail=detail | dict(more))
