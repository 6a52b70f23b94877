"""The one road into the domain, for every transport.

Look up → allowed role → decode → prepare → transaction → idempotency row → savepoint → operation → reactions →
facts to the log → commit → publish. A refusal rolls back to the savepoint, then what must be kept is done and
committed, and the refusal is the stored answer of its key.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import idempotency, log, params
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.context import Context, Deferred, Signal
from domain.kernel.database import Sessions
from domain.kernel.direct import NO_SESSION, Direct
from domain.kernel.errors import Busy, DomainError, Forbidden, NotFound, Replayed, Unauthenticated
from domain.kernel.events import Event
from domain.kernel.idempotency import Request
from domain.kernel.jobs import Work
from domain.kernel.leases import Term, assert_term
from domain.kernel.log import Fact
from domain.kernel.operations import Operation
from domain.kernel.preparation import Preparation
from domain.kernel.reactions import Reactions
from domain.kernel.tools import Tools

logger = structlog.get_logger(__name__)

Arguments = bytes | Mapping[str, Any] | msgspec.Struct
Publish = Callable[[Sequence[Fact], Sequence[Signal]], Awaitable[None]]
Enqueue = Callable[[AsyncSession, Sequence[Deferred]], Awaitable[None]]

# lock_not_available, deadlock_detected, serialization_failure: the same call may succeed at once
RETRIED = {"55P03", "40P01", "40001"}
# class 53, insufficient_resources: a full disk says nothing about what was to be written to it
OUT_OF_ROOM = "53"
ATTEMPTS = 3


class Runtime:
    """Runs operations. Built once per process from the catalogue, the database, the tools and the way out.

    ``after_commit`` returns when facts are out; ``after_record``, for what was recorded, as soon as they are in line:
    whoever records has others waiting and nobody who looks at the screen for the answer.
    """

    def __init__(
        self,
        *,
        operations: Mapping[str, Operation],
        reactions: Reactions,
        sessions: Sessions,
        readers: Sessions,
        tools: Tools,
        enqueue: Enqueue,
        after_commit: Publish,
        after_record: Publish | None = None,
        refusals: Mapping[str, DomainError],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        direct: Direct | None = None,
    ) -> None:
        self.operations = operations
        self.tools = tools
        self.clock = clock
        self.sessions = sessions
        self.readers = readers
        self._reactions = reactions
        self._enqueue = enqueue
        self._after_commit = after_commit
        self._after_record = after_record or after_commit
        self._refusals = refusals
        self._direct = direct

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Arguments = b"",
        *,
        key: str | None = None,
        correlation: str = "",
        under: Term | None = None,
    ) -> Any:
        """Perform operation ``name`` for ``caller`` and return its answer; writing ``under`` a term, while it lasts.

        Raises:
            DomainError: It was refused, or never existed.
        """
        operation = self._look_up(name)
        authorise(operation, caller)
        given = decode(operation, arguments)
        asked = self._ask(operation, caller, key, given) if key and operation.replays else None
        if operation.prepare:
            before = Preparation(caller=caller, now=self.clock(), tools=self.tools, readers=self.readers)
            given = await operation.prepare(before, given)
        if operation.reads or not operation.atomic:
            answer = await self._read(operation, caller, given, correlation)
        else:
            answer = await self._write(operation, caller, given, asked, correlation, under)
        if not operation.reveal:
            return answer
        async with self.readers() as db:
            return await operation.reveal(self.context(caller, db, correlation), answer)

    def context(self, caller: Caller, db: AsyncSession, correlation: str = "") -> Context:
        """Return a fresh unit of work."""
        return Context(caller=caller, db=db, now=self.clock(), tools=self.tools, correlation=correlation)

    async def react(self, work: Work, reaction: str, event: Event, correlation: str = "") -> None:
        """Run one reaction to one fact again, and the reactions to what it causes, in one transaction.

        The job ends in it too. What is put off about one aggregate is done one after the other.
        """
        async with self.sessions.begin() as db:
            ctx = self.context(SERVICE, db, correlation)
            aggregate = func.hashtextextended(f"{event.aggregate}/{event.aggregate_id}", 0)
            await db.execute(select(func.pg_advisory_xact_lock(aggregate)))
            await work.finish(db)
            await self._reactions.retry(ctx, reaction, event)
            facts = await self._record(ctx)
        await self._tell(facts, ctx.signals)

    def _ask(self, operation: Operation, caller: Caller, key: str, given: msgspec.Struct) -> Request:
        return idempotency.request(operation, caller, key, given, self.tools.keys.derive("idempotency"))

    def _look_up(self, name: str) -> Operation:
        try:
            return self.operations[name]
        except KeyError:
            raise NotFound(f"There is no operation {name!r}") from None

    async def _read(
        self, operation: Operation, caller: Caller, given: msgspec.Struct, correlation: str
    ) -> Any:
        if not operation.atomic and self._direct is not None:
            ctx = self.context(caller, NO_SESSION, correlation)
            ctx.direct = self._direct
            return await _perform(operation, ctx, given)
        async with self.readers() as db:
            return await _perform(operation, self.context(caller, db, correlation), given)

    async def _write(
        self,
        operation: Operation,
        caller: Caller,
        given: msgspec.Struct,
        asked: Request | None,
        correlation: str,
        under: Term | None,
    ) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(operation, caller, given, asked, correlation, under)
            except PoolTimeout as error:
                raise Busy("Too many calls at once; nothing was changed") from error
            except DBAPIError as error:
                if refusal := self._refusal(error):
                    raise refusal from error
                if sqlstate(error).startswith(OUT_OF_ROOM):
                    raise Busy("The database is out of room; nothing was changed") from error
                if sqlstate(error) not in RETRIED:
                    raise
                if attempt == ATTEMPTS:
                    raise Busy("Others are changing the same thing; nothing was changed") from error
            await asyncio.sleep(random.uniform(0, 0.05 * attempt))
        raise AssertionError("the last attempt answers or raises")

    async def _attempt(
        self,
        operation: Operation,
        caller: Caller,
        given: msgspec.Struct,
        asked: Request | None,
        correlation: str,
        under: Term | None,
    ) -> Any:
        async with self.sessions.begin() as db:
            if under:
                await assert_term(db, under)
            if asked and (stored := await idempotency.claim(db, asked, self.clock())):
                return _replay(operation, stored)
            ctx = self.context(caller, db, correlation)
            outcome = await self._venture(operation, ctx, given)
            if isinstance(outcome, DomainError):
                if not ctx.kept and (outcome.passing or not asked):
                    raise outcome
                ctx, outcome = await self._keep(ctx, outcome)
            facts = await self._record(ctx)
            if asked:
                await idempotency.conclude(db, asked, outcome)
        await self._tell(facts, ctx.signals, recorded=operation.recorded)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def _venture(self, operation: Operation, ctx: Context, given: msgspec.Struct) -> Any:
        """Do the work inside a savepoint; return its answer, or the refusal after rolling it back."""
        try:
            async with ctx.db.begin_nested():
                answer = await _perform(operation, ctx, given)
                await self._reactions.answer(ctx, recorded=operation.recorded)
                await ctx.db.flush()
                await ctx.db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                return answer
        except DomainError as refused:
            return refused
        except DBAPIError as error:
            if refusal := self._refusal(error):
                return refusal
            raise

    async def _keep(self, ctx: Context, refused: DomainError) -> tuple[Context, DomainError]:
        kept = self.context(ctx.caller, ctx.db, ctx.correlation)
        for work in ctx.kept:
            refused = await work(kept) or refused
        await self._reactions.answer(kept, recorded=False)
        return kept, refused

    async def _record(self, ctx: Context) -> list[Fact]:
        facts = await log.write(ctx)
        if ctx.deferred:
            await self._enqueue(ctx.db, ctx.deferred)
        return facts

    async def _tell(
        self, facts: Sequence[Fact], signals: Sequence[Signal], *, recorded: bool = False
    ) -> None:
        """Publish what is committed. What fails here stays unpublished and is the relay's; the call has succeeded."""
        if not (facts or signals):
            return
        try:
            await (self._after_record if recorded else self._after_commit)(facts, signals)
        except Exception:  # the edge of the domain: nothing outside may undo an answer that is already true
            logger.exception("facts were committed but not published", facts=[fact.id for fact in facts])

    def _refusal(self, error: DBAPIError) -> DomainError | None:
        known = self._refusals.get(constraint(error))
        return copy(known) if known else None


def authorise(operation: Operation, caller: Caller) -> None:
    """Refuse a caller none of whose roles the operation allows.

    Raises:
        Unauthenticated: Nobody is signed in.
        Forbidden: Somebody is, and may not.
    """
    if operation.allow.isdisjoint(caller.roles):
        if "anonymous" in caller.roles:
            raise Unauthenticated(f"{operation.name} needs a signed-in caller")
        raise Forbidden(f"{operation.name} is open to {', '.join(sorted(operation.allow))}")


def decode(operation: Operation, arguments: Arguments) -> msgspec.Struct:
    """Return the operation's parameters, decoded from bytes or a mapping where they are not a Struct already."""
    if isinstance(arguments, operation.params):
        return arguments
    if isinstance(arguments, msgspec.Struct):
        raise TypeError(f"{operation.name} takes {operation.params.__name__}, not {type(arguments).__name__}")
    return params.read(arguments, operation.params, operation.aliases)


def sqlstate(error: DBAPIError) -> str:
    """Return PostgreSQL's five-letter code of an error."""
    return str(getattr(error.orig, "sqlstate", ""))


def constraint(error: DBAPIError) -> str:
    """Return the name of the constraint that an error is about."""
    cause = getattr(error.orig, "__cause__", None) or error.orig
    return str(getattr(cause, "constraint_name", None) or "")


async def _perform(operation: Operation, ctx: Context, given: msgspec.Struct) -> Any:
    return await operation.handler(ctx, **{name: getattr(given, name) for name in given.__struct_fields__})


def _replay(operation: Operation, stored: idempotency.Stored) -> Any:
    if stored.status != 200:
        raise Replayed(stored.answer)
    return msgspec.convert(stored.answer, operation.result, str_keys=True)
