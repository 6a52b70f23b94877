"""A small context to try the kernel on: counters that never fall below zero, each with a label of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import msgspec
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from domain.kernel import queue
from domain.kernel.caller import Caller
from domain.kernel.context import Context, Signal
from domain.kernel.database import Versioned, readers, sessions
from domain.kernel.errors import DomainError, Invalid, NotFound, TooMany
from domain.kernel.events import Event, collect_reactions, reacts_to
from domain.kernel.keys import Keys
from domain.kernel.log import Fact
from domain.kernel.operations import collect_operations, operation
from domain.kernel.passwords import Passwords
from domain.kernel.ports import Mail, Ports
from domain.kernel.reactions import Reactions
from domain.kernel.runtime import Runtime
from domain.kernel.tools import Policy, Tools

MEMBER = Caller(roles=frozenset({"member"}), user_id=7)


class ToyTable(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BigInteger, str: Text}


class LabelTaken(DomainError):
    """Another counter has this label."""

    code, status, title = "label_taken", 409, "Another counter has this label"


class CounterRow(ToyTable, Versioned):
    __tablename__ = "counters"
    __table_args__ = (CheckConstraint("amount >= 0", name="counters_amount_check"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    amount: Mapped[int] = mapped_column(default=0)


class NoteRow(ToyTable):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    counter_id: Mapped[int] = mapped_column(
        ForeignKey("counters.id", deferrable=True, initially="DEFERRED", name="notes_counter_fkey")
    )
    by: Mapped[int]


REFUSALS: Mapping[str, DomainError] = {
    "counters_label_key": LabelTaken("Choose another label"),
    "counters_amount_check": Invalid.field("by", "would take the counter below zero"),
    "notes_counter_fkey": NotFound("There is no such counter to note about"),
}


class CounterMade(Event, frozen=True):
    name: ClassVar[str] = "counter.made"
    counter_id: int


class CounterRaised(Event, frozen=True):
    name: ClassVar[str] = "counter.raised"
    counter_id: int
    by: int


class CounterNoted(Event, frozen=True):
    name: ClassVar[str] = "counter.noted"
    counter_id: int
    by: int


EVENTS: Mapping[str, type[Event]] = {one.name: one for one in (CounterMade, CounterRaised, CounterNoted)}


class CounterView(msgspec.Struct, frozen=True, rename="camel"):
    counter_id: int
    amount: int


@operation("toy.make_counter", allow={"member"})
async def make_counter(ctx: Context, *, label: str, amount: int = 0) -> CounterView:
    """Make a counter."""
    row = CounterRow(label=label, amount=amount)
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(CounterMade(counter_id=row.id), of=row)
    return CounterView(row.id, row.amount)


@operation("toy.raise_counter", allow={"member", "service"})
async def raise_counter(ctx: Context, *, counter_id: int, by: int = 1) -> CounterView:
    """Raise a counter."""
    row = await ctx.db.get_one(CounterRow, counter_id, with_for_update={"key_share": True})
    row.amount += by
    ctx.emit(CounterRaised(counter_id=row.id, by=by), of=row)
    ctx.signal(f"counter:{row.id}", {"by": by})
    return CounterView(row.id, row.amount)


@operation("toy.record_raises", allow={"service"}, recorded=True)
async def record_raises(ctx: Context, *, counter_id: int, by: list[int]) -> int:
    """Record raises that have happened outside."""
    for one in by:
        ctx.emit(CounterRaised(counter_id=counter_id, by=one))
    return len(by)


@operation("toy.refuse_and_keep", allow={"member"})
async def refuse_and_keep(ctx: Context, *, counter_id: int) -> None:
    """Raise a counter by 100, be refused, and keep a raise by one."""

    async def keep(kept: Context) -> DomainError | None:
        await raise_counter(kept, counter_id=counter_id, by=1)
        return None

    ctx.keep(keep)
    await raise_counter(ctx, counter_id=counter_id, by=100)
    raise Invalid.field("counterId", "is refused always")


@operation("toy.count_and_refuse", allow={"member"})
async def count_and_refuse(ctx: Context, *, counter_id: int) -> None:
    """Be refused for now, and keep a raise by one."""

    async def keep(kept: Context) -> DomainError | None:
        await raise_counter(kept, counter_id=counter_id, by=1)
        return None

    ctx.keep(keep)
    raise TooMany("Come again later", retry_after_s=1)


@operation("toy.refuse", allow={"member"})
async def refuse(ctx: Context, *, counter_id: int) -> None:
    """Raise a counter by 100 and be refused."""
    await raise_counter(ctx, counter_id=counter_id, by=100)
    ctx.defer("toy.never", counter_id=counter_id)
    raise Invalid.field("counterId", "is refused always")


@operation("toy.break_down", allow={"member"})
async def break_down(ctx: Context, *, counter_id: int) -> None:
    """Raise a counter by 100 and fail as a bug would."""
    await raise_counter(ctx, counter_id=counter_id, by=100)
    raise ZeroDivisionError("a bug")


@operation("toy.note_later", allow={"member"})
async def note_later(ctx: Context, *, counter_id: int) -> None:
    """Write a note, whose counter is looked for at commit only, and defer a job."""
    ctx.db.add(NoteRow(counter_id=counter_id, by=0))
    ctx.defer("toy.remind", counter_id=counter_id)


@operation("toy.read_counter", allow={"member"}, reads=True)
async def read_counter(ctx: Context, *, counter_id: int) -> CounterView:
    """Read a counter."""
    row = await ctx.db.get(CounterRow, counter_id)
    if row is None:
        raise NotFound(f"There is no counter {counter_id}")
    return CounterView(row.id, row.amount)


@reacts_to(CounterRaised)
async def note_raises(ctx: Context, facts: Sequence[CounterRaised]) -> None:
    """Note each raise, and fail where one is by 13."""
    for fact in facts:
        ctx.db.add(NoteRow(counter_id=fact.counter_id, by=fact.by))
        ctx.emit(CounterNoted(counter_id=fact.counter_id, by=fact.by))
    await ctx.db.flush()
    if any(fact.by == 13 for fact in facts):
        raise ZeroDivisionError("13 brings bad luck")


class NoMail:
    """A mail port for those who send nothing."""

    async def send(self, mail: Mail) -> None:
        raise AssertionError(f"nobody should write to {mail.to}")


def tools(**changes: Any) -> Tools:
    """Return tools as cheap as they can be."""
    usual = {
        "keys": Keys("a secret of tests"),
        "passwords": Passwords(memory_kib=8, rounds=1, threads=1),
        "random_bytes": bytes,
        "ports": Ports(mail=NoMail()),
        "policy": Policy(),
    }
    return Tools(**{**usual, **changes})


@dataclass
class Toy:
    """A runtime on the toy, and what it has published."""

    engine: AsyncEngine
    runtime: Runtime = field(init=False)
    published: list[tuple[Sequence[Fact], Sequence[Signal]]] = field(default_factory=list)
    publishing_fails: bool = False

    def __post_init__(self) -> None:
        here = ModuleType(__name__)
        here.__dict__.update(globals())
        self.runtime = Runtime(
            operations=collect_operations([here]),
            reactions=Reactions(collect_reactions([here])),
            sessions=sessions(self.engine),
            readers=readers(self.engine),
            tools=tools(),
            enqueue=queue.enqueue,
            after_commit=self._publish,
            refusals=REFUSALS,
        )

    async def make(self, label: str = "one", amount: int = 0) -> int:
        """Make a counter and return its id."""
        view = await self.runtime.call(MEMBER, "toy.make_counter", {"label": label, "amount": amount})
        return int(view.counter_id)

    async def amount(self, counter_id: int) -> int:
        """Return what a counter says."""
        view = await self.runtime.call(MEMBER, "toy.read_counter", {"counterId": counter_id})
        return int(view.amount)

    async def gather(self, *calls: Any) -> list[Any]:
        """Make calls at once and return their answers and errors."""
        return await asyncio.gather(*calls, return_exceptions=True)

    async def _publish(self, facts: Sequence[Fact], signals: Sequence[Signal]) -> None:
        if self.publishing_fails:
            raise OSError("nobody listens")
        self.published.append((list(facts), list(signals)))
