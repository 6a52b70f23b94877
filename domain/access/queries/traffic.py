"""How much passed through gates lately, and usually at this hour of the week."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import case, func, select

from domain.access.rules.silence import Answers, Flow, usual
from domain.access.tables.traffic import TrafficRow
from domain.kernel.context import Context

WINDOW, BEFORE = timedelta(minutes=5), timedelta(minutes=15)
WEEKS = 4


class Lately(msgspec.Struct, frozen=True):
    """One gate's flow and answers."""

    flow: Flow
    answers: Answers


NOTHING = Lately(Flow(0, 0, 0), Answers(0, 0))


async def traffic_of(ctx: Context, gate_ids: Collection[int], time_zone: str) -> Mapping[int, Lately]:
    """Return what passed through each of these gates of one site; the minute under way counts to the last window."""
    minute = ctx.now.replace(second=0, microsecond=0)
    began, recent = minute - WINDOW - BEFORE, TrafficRow.began_at >= minute - WINDOW
    sums = (
        func.sum(case((recent, TrafficRow.passages), else_=0)),
        func.sum(case((recent, 0), else_=TrafficRow.passages)),
        func.sum(TrafficRow.admitted),
        func.sum(TrafficRow.denied),
    )
    mine = TrafficRow.gate_id.in_(gate_ids)
    chosen = select(TrafficRow.gate_id, *sums).where(
        mine, TrafficRow.minutes == 1, TrafficRow.began_at >= began
    )
    habits = await _habits(ctx, gate_ids, time_zone)
    found = {gate_id: Lately(Flow(0, 0, habit), Answers(0, 0)) for gate_id, habit in habits.items()}
    for gate_id, passed, earlier, admitted, denied in await ctx.db.execute(
        chosen.group_by(TrafficRow.gate_id)
    ):
        flow = Flow(float(passed), float(earlier) * (WINDOW / BEFORE), habits.get(gate_id, 0.0))
        found[gate_id] = Lately(flow, Answers(int(admitted), int(denied)))
    return found


async def _habits(ctx: Context, gate_ids: Collection[int], time_zone: str) -> dict[int, float]:
    """Return how many usually pass in a window at this hour of the week, by the clock on the site's wall."""
    quarters = same_quarters(ctx.now - WINDOW / 2, time_zone)
    chosen = select(TrafficRow.gate_id, TrafficRow.passages).where(
        TrafficRow.gate_id.in_(gate_ids), TrafficRow.minutes == 15, TrafficRow.began_at.in_(quarters)
    )
    counts: defaultdict[int, list[float]] = defaultdict(list)
    for gate_id, passages in await ctx.db.execute(chosen):
        counts[gate_id].append(passages * (WINDOW / timedelta(minutes=15)))
    return {gate_id: usual(weeks) for gate_id, weeks in counts.items()}


def same_quarters(moment: datetime, time_zone: str) -> list[datetime]:
    """Return when this quarter of an hour began in the weeks before, as the clock on the wall says."""
    local = moment.astimezone(ZoneInfo(time_zone))
    quarter = local.replace(minute=local.minute // 15 * 15, second=0, microsecond=0)
    return [(quarter - timedelta(weeks=week)).astimezone(UTC) for week in range(1, WEEKS + 1)]
