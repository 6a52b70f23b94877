"""A worker in a process of its own, to be killed: it says when it is in the middle of a job, and never ends it."""

import asyncio
import sys

from domain.kernel.database import connect, sessions
from domain.kernel.jobs import Job, Work
from domain.kernel.worker import Pace, Worker
from tests.toy import tools


async def hang(work: Work, **_: object) -> None:
    print("in the middle", flush=True)
    await asyncio.Event().wait()


async def main(url: str) -> None:
    jobs = {"toy.hang": Job("toy.hang", hang, attempts=2)}
    await Worker(jobs, sessions(connect(url)), tools(), pace=Pace(poll_s=0.02, claim_s=0.6)).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
