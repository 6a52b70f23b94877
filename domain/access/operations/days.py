"""Days: the access log is one partition per day of receipt, opened before the day begins."""

from sqlalchemy import func, select

from domain.kernel.context import Context
from domain.kernel.operations import operation

AHEAD = 7


@operation("access.open_days", allow={"service"}, replays=False)
async def open_days(ctx: Context) -> int:
    """Open the partitions of today and the next days; return how many were missing.

    A log nobody opened days for is not lost: its rows go to the default partition.
    """
    return await ctx.db.scalar(select(func.open_access_days(ctx.now.date(), AHEAD))) or 0
