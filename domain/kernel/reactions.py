"""Lets each context answer the facts of a transaction within it.

1. Reactions run until they cause no new facts; the laws forbid cycles between them.
2. Where the facts were recorded (they have happened outside, refusing them is no choice), a reaction runs in a
   savepoint; a batch that fails is halved until the culprit is alone, and that one becomes a job.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from domain.kernel.context import Context, events_of
from domain.kernel.events import Event, Reaction

logger = structlog.get_logger(__name__)
RETRY = "kernel.react"


class Reactions:
    """Every reaction there is, by the fact it answers."""

    def __init__(self, by_fact: Mapping[type[Event], Sequence[Reaction]]) -> None:
        self._by_fact = by_fact

    async def answer(self, ctx: Context, *, recorded: bool) -> None:
        """Run the reactions to what the context has emitted, and to what they emit in turn."""
        answered = 0
        while answered < len(ctx.emitted):
            fresh = events_of(ctx.emitted[answered:])
            answered = len(ctx.emitted)
            for kind, facts in _by_kind(fresh).items():
                for react in self._by_fact.get(kind, ()):
                    await (_tolerantly if recorded else _plainly)(ctx, react, facts)

    async def retry(self, ctx: Context, reaction: str, event: Event) -> None:
        """Run one reaction to one fact again, and the reactions to what it causes.

        Raises:
            LookupError: There is no such reaction any more.
        """
        for react in self._by_fact.get(type(event), ()):
            if _name(react) == reaction:
                await react(ctx, [event])
                await self.answer(ctx, recorded=True)
                return
        raise LookupError(f"{reaction} does not react to {event.name}")


def _by_kind(facts: Sequence[Event]) -> dict[type[Event], list[Event]]:
    kinds: dict[type[Event], list[Event]] = {}
    for fact in facts:
        kinds.setdefault(type(fact), []).append(fact)
    return kinds


async def _plainly(ctx: Context, react: Reaction, facts: Sequence[Event]) -> None:
    await react(ctx, facts)


async def _tolerantly(ctx: Context, react: Reaction, facts: Sequence[Event]) -> None:
    growing: tuple[list[Any], ...] = (ctx.emitted, ctx.deferred, ctx.signals, ctx.kept)
    before = [len(one) for one in growing]
    try:
        async with ctx.db.begin_nested():
            await react(ctx, facts)
            await ctx.db.flush()
    except Exception:
        for one, length in zip(growing, before, strict=True):
            del one[length:]
        if len(facts) == 1:
            logger.exception("reaction failed and is put off", reaction=_name(react), fact=facts[0].name)
            _put_off(ctx, react, facts[0])
            return
        middle = len(facts) // 2
        await _tolerantly(ctx, react, facts[:middle])
        await _tolerantly(ctx, react, facts[middle:])


def _put_off(ctx: Context, react: Reaction, fact: Event) -> None:
    ctx.defer(
        RETRY,
        reaction=_name(react),
        fact=fact.name,
        body=msgspec.to_builtins(fact),
        correlation=ctx.correlation,
    )


def _name(react: Reaction) -> str:
    return f"{react.__module__}.{getattr(react, '__name__', '')}"
