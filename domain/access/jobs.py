"""What access does after commit: a second look at passes that gates let in alone."""

from domain.access.operations import double_use
from domain.kernel import log, queue
from domain.kernel.jobs import Work, job


@job(double_use.LOOK)
async def look_for_double_use(
    work: Work, *, site_id: int, pass_ids: list[int], access_ids: list[int], look: int
) -> None:
    """Tell of passes that were used twice, once all gates of the site have been heard; done exactly once."""
    async with work.transaction() as db:
        await work.finish(db)
        ctx = work.context(db)
        await double_use.look_again(ctx, site_id=site_id, pass_ids=pass_ids, access_ids=access_ids, look=look)
        # the relay's repair publishes what nobody else does
        await log.write(ctx)
        await queue.enqueue(db, ctx.deferred)
