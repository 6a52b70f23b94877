"""The seal: from some moment on nothing is received before it any more, so that what was received can be signed.

1. Whoever records takes the seal's lock shared, then reads the seal, and receives at the later of its own moment
   and the seal (``log_moment``). The lock is held till commit.
2. The sealer takes the lock alone, so it waits for all recorders under way, and those who come later wait for it
   and read what it has set. Whatever had a moment before the new seal is committed by then, and nothing can get one
   any more: also not from a process whose clock is slow, or that stood still between looking at the clock and
   writing.
3. The sealer's lock lasts for one small update. It gives up soon where it cannot have it, for recorders queue
   behind it.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update

from domain.access.tables.evidence import LogSealRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

AFTER = timedelta(seconds=5)
"""How long after a minute's end it is sealed: reports of that minute are in then, and keep their own moment."""


async def moment_of_receipt(ctx: Context) -> datetime:
    """Return the moment at which this transaction receives what it records: now, or the seal where that is later."""
    moment: datetime = (await ctx.db.scalars(select(func.log_moment(ctx.now)))).one()
    return moment


@operation("access.seal_log", allow={"service"}, replays=False)
async def seal_log(ctx: Context) -> bool:
    """Let nothing be received in the minutes that are over any more; tell whether the seal moved."""
    until = (ctx.now - AFTER).replace(second=0, microsecond=0)
    before = await ctx.db.scalar(select(LogSealRow.until).with_for_update(key_share=True, skip_locked=True))
    if before is None or before >= until:
        return False  # another is at it, or it is done
    await ctx.db.execute(text("SET LOCAL lock_timeout = '300ms'"))
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext("log_seal"))))
    await ctx.db.execute(update(LogSealRow).values(until=until))
    return True
