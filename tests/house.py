"""The business on a real database, for tests at the level of operations: calls, facts, jobs, letters, and a clock."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from domain.identity.rules import tokens
from domain.kernel import queue
from domain.kernel.caller import ANONYMOUS, SERVICE, Caller
from domain.kernel.context import Signal
from domain.kernel.contexts import Catalogue, load
from domain.kernel.database import readers, refusals, sessions
from domain.kernel.jobs import Work
from domain.kernel.keys import Keys
from domain.kernel.log import Fact, FactRow
from domain.kernel.passwords import Passwords
from domain.kernel.ports import Mail, Ports
from domain.kernel.reactions import Reactions
from domain.kernel.runtime import Runtime
from domain.kernel.tools import Policy, Tools

PASSWORD = "correct horse battery"


class Clock:
    """A clock that goes on when it is told to, and by ``step`` each time somebody looks at it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.step = timedelta()

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class MailBox:
    """Where letters go that nobody carries."""

    def __init__(self) -> None:
        self.letters: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.letters.append(mail)


class WatchedPasswords(Passwords):
    """Hashes cheaply, and notes how many connections were out of the pool each time."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(memory_kib=8, rounds=1)
        self._engine = engine
        self.connections: list[int] = []

    async def hash(self, password: str) -> str:
        self._note()
        return await super().hash(password)

    async def matches(self, stored: str | None, password: str) -> bool:
        self._note()
        return await super().matches(stored, password)

    def _note(self) -> None:
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        self.connections.append(pool.checkedout())


@dataclass(kw_only=True)
class House:
    """The operations of some contexts on one database."""

    contexts: Sequence[ModuleType]
    engine: AsyncEngine
    policy: Policy = field(default_factory=Policy)
    passwords: WatchedPasswords = field(init=False)
    clock: Clock = field(default_factory=Clock)
    mail: MailBox = field(default_factory=MailBox)
    signals: list[Signal] = field(default_factory=list)
    tools: Tools = field(init=False)
    catalogue: Catalogue = field(init=False)
    runtime: Runtime = field(init=False)

    def __post_init__(self) -> None:
        self.passwords = WatchedPasswords(self.engine)
        self.tools = Tools(
            keys=Keys("a secret of tests"),
            passwords=self.passwords,
            random_bytes=os.urandom,
            ports=Ports(mail=self.mail),
            policy=self.policy,
        )
        self.catalogue = load(self.contexts)
        self.runtime = Runtime(
            operations=self.catalogue.operations,
            reactions=Reactions(self.catalogue.reactions),
            sessions=sessions(self.engine),
            readers=readers(self.engine),
            tools=self.tools,
            enqueue=queue.enqueue,
            after_commit=self._publish,
            refusals=refusals(),
            clock=self.clock,
        )

    async def call(self, caller: Caller, name: str, /, *, key: str | None = None, **arguments: Any) -> Any:
        """Perform an operation and return its answer."""
        return await self.runtime.call(caller, name, arguments, key=key)

    async def at_once(self, *calls: Any) -> list[Any]:
        """Make calls at the same time; return their answers and refusals."""
        return await asyncio.gather(*calls, return_exceptions=True)

    async def facts(self, *names: str) -> list[FactRow]:
        """Return the facts of the log, or those of these names, in the order they were written."""
        written = select(FactRow).order_by(FactRow.id)
        async with self.runtime.readers() as db:
            return list(await db.scalars(written.where(FactRow.name.in_(names)) if names else written))

    async def jobs(self) -> list[queue.JobRow]:
        """Return the jobs that wait."""
        async with self.runtime.readers() as db:
            return list(await db.scalars(select(queue.JobRow).order_by(queue.JobRow.id)))

    async def work(self) -> None:
        """Do the jobs that are due, each once; one that fails fails the test."""
        async with self.runtime.sessions.begin() as db:
            claims = await queue.claim(db, list(self.catalogue.jobs), limit=100, lasts_s=30)
        for claim in claims:
            await self.perform(claim.job, claim.arguments)
            async with self.runtime.sessions.begin() as db:
                await queue.done(db, claim)

    async def perform(self, job: str, arguments: dict[str, Any]) -> None:
        """Do one job, whether it waits or not."""
        work = Work(sessions=self.runtime.sessions, tools=self.tools, now=self.clock())
        await self.catalogue.jobs[job].handler(work, **arguments)

    async def site(self, name: str = "Tower") -> int:
        """Open a site and return its id."""
        return int((await self.call(SERVICE_AS_ADMIN, "sites.create_site", name=name)).site_id)

    async def person(self, username: str, *roles: tuple[str, int | None], password: str = PASSWORD) -> int:
        """Open an account with these roles at these sites and return the person's id."""
        view = await self.call(
            SERVICE,
            "identity.create_user",
            username=username,
            email=f"{username}@example.com",
            password=password,
            roles=[{"role": role, "siteId": site_id} for role, site_id in roles],
        )
        return int(view.id)

    async def signed_in(self, username: str, password: str = PASSWORD) -> Caller:
        """Sign a person in and return the caller that the server would see."""
        email = f"{username}@example.com"
        granted = await self.call(ANONYMOUS, "identity.login", email=email, password=password)
        return await self.caller_of(granted.access_token)

    async def caller_of(self, access_token: str) -> Caller:
        """Return the caller behind an access token."""
        claims = tokens.read(self.tools.keys, access_token, self.clock())
        found: Caller = await self.call(SERVICE, "identity.identify", session_id=claims.session_id)
        return found

    async def _publish(self, facts: Sequence[Fact], signals: Sequence[Signal]) -> None:
        self.signals += signals


SERVICE_AS_ADMIN = Caller(roles=frozenset({"admin", "service"}))
