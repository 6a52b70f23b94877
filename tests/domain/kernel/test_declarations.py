"""What contexts declare is found, and refused where it is ambiguous.

Proves: domain/kernel/operations.py, domain/kernel/feeds.py, domain/kernel/jobs.py, domain/kernel/contexts.py,
domain/kernel/caller.py, domain/kernel/context.py, domain/kernel/errors.py, domain/kernel/database.py,
domain/kernel/keys.py, domain/kernel/tools.py
"""

from types import ModuleType
from typing import Any, ClassVar

import pytest

from domain import kernel, sites
from domain.kernel.caller import ANONYMOUS, SERVICE, Caller
from domain.kernel.context import Context
from domain.kernel.contexts import load
from domain.kernel.database import Sessions, refusals
from domain.kernel.errors import DomainError, Forbidden, Invalid, Replayed
from domain.kernel.events import Event, collect_events, collect_reactions, reacts_to
from domain.kernel.feeds import Feed, Feeds, collect_feeds
from domain.kernel.jobs import Job, Work, collect_jobs, job
from domain.kernel.keys import Keys
from domain.kernel.operations import collect_operations, operation
from tests.toy import CounterMade, CounterRaised, Toy, tools

GUARD = Caller(
    roles=frozenset({"member", "guard"}),
    user_id=4,
    site_roles={1: frozenset({"guard"}), 2: frozenset({"member"})},
)


def module(**things: Any) -> ModuleType:
    made = ModuleType(__name__)
    made.__dict__.update(things)
    return made


def test_a_signature_is_a_schema():
    @operation("toy.book_room", allow={"member"}, aliases={"room": "roomId"})
    async def book_room(ctx: Context, before: str = "", *, room_id: int, note: str = "") -> int:
        """Book a room.

        In more words.
        """
        return room_id

    [declared] = collect_operations([module(book_room=book_room)]).values()

    assert declared.params.__name__ == "ToyBookRoomInput"
    assert declared.params.__struct_encode_fields__ == ("roomId", "note")
    assert declared.result is int
    assert declared.allow == {"member"}
    assert declared.aliases == {"room": "roomId"}
    assert declared.summary == "Book a room.\n\nIn more words."


def test_an_operation_says_what_it_is_for():
    with pytest.raises(TypeError, match="docstring"):

        @operation("toy.silent", allow={"member"})
        async def silent(ctx: Context) -> None: ...


def test_two_of_one_name_are_refused():
    @operation("toy.same", allow={"member"})
    async def one(ctx: Context) -> None:
        """One."""

    @operation("toy.same", allow={"member"})
    async def other(ctx: Context) -> None:
        """The other."""

    @job("toy.same")
    async def first(work: Work) -> None: ...

    @job("toy.same")
    async def second(work: Work) -> None: ...

    class CounterMadeAgain(Event, frozen=True):
        name: ClassVar[str] = "counter.made"
        counter_id: int

    CounterMadeAgain.__module__ = __name__
    again = module(a=CounterMadeAgain, b=type("Other", (CounterMadeAgain,), {"__module__": __name__}))
    for collect, declared in (
        (collect_operations, module(one=one, other=other)),
        (collect_jobs, module(first=first, second=second)),
        (collect_events, again),
        (collect_feeds, module(a=Feed("x:{id}"), b=Feed("x:{id}"))),
    ):
        with pytest.raises(ValueError, match="twice"):
            collect([declared])


def test_a_job_is_found_with_its_limits():
    @job("toy.slow", attempts=3, lasts_s=9)
    async def slow(work: Work) -> None: ...

    assert collect_jobs([module(slow=slow)]) == {"toy.slow": Job("toy.slow", slow, 3, 9)}


def test_nothing_reacts_to_what_statements_write_by_the_thousand():
    class CounterCounted(Event, frozen=True):
        name: ClassVar[str] = "counter.counted"
        in_rushes: ClassVar[bool] = True
        counter_id: int

    @reacts_to(CounterCounted)
    async def react(ctx: Context, facts: Any) -> None: ...

    with pytest.raises(ValueError, match=r"counter\.counted"):
        collect_reactions([module(react=react)])


def test_what_is_imported_from_elsewhere_is_not_declared_here():
    @job("toy.elsewhere")
    async def elsewhere(work: Work) -> None: ...

    elsewhere.__module__ = "another.module"

    assert collect_jobs([module(elsewhere=elsewhere)]) == {}
    assert collect_events([module(made=CounterMade)]) == {}


def test_a_feed_imported_by_another_module_is_one_feed():
    feed = Feed("x:{id}")

    assert list(collect_feeds([module(a=feed), module(b=feed)])) == [feed]


@pytest.mark.parametrize(
    ("channel", "ids"),
    [
        ("access:7", {"site_id": 7}),
        ("access:0", {"site_id": 0}),
        ("access:07", None),
        ("access:-7", None),
        ("access:٧", None),
        ("access:7\n", None),
        ("access:", None),
        ("access:1234567890123456789", None),
        ("xaccess:7", None),
    ],
)
def test_a_channel_belongs_to_one_feed_under_one_name(channel: str, ids: dict[str, int] | None):
    feed = Feed("access:{site_id}")

    assert feed.match(channel) == ids
    assert Feeds([Feed("#{user_id}"), feed]).find(channel) == (None if ids is None else (feed, ids))


def test_a_personal_channel_is_a_feed_too():
    feed = Feed("#{user_id}")

    assert feed.match(feed.channel(user_id=9)) == {"user_id": 9}


def test_reactions_are_kept_in_the_order_they_are_written():
    @reacts_to(CounterMade, CounterRaised)
    async def first(ctx: Context, facts: Any) -> None: ...

    @reacts_to(CounterMade)
    async def second(ctx: Context, facts: Any) -> None: ...

    found = collect_reactions([module(first=first, second=second)])

    assert found == {CounterMade: [first, second], CounterRaised: [first]}


def test_contexts_are_loaded_with_what_they_have():
    catalogue = load([kernel, sites])

    assert "sites.create_site" in catalogue.operations
    assert "site.created" in catalogue.events
    assert refusals()["sites_name_check"].status == 422


def test_roles_count_where_they_are_held():
    assert GUARD.holds("guard", site_id=1)
    assert not GUARD.holds("guard", site_id=2)
    assert not GUARD.holds("guard", site_id=None)
    assert GUARD.sites("guard", "desk") == [1]
    assert SERVICE.holds("guard", site_id=99)
    assert SERVICE.everywhere and not GUARD.everywhere
    assert [
        one.actor for one in (GUARD, SERVICE, ANONYMOUS, Caller(roles=frozenset({"device"}), gate_id=3))
    ] == [
        "user:4",
        "service",
        "anonymous",
        "gate:3",
    ]
    assert GUARD.seen_from("::1", "curl").address == "::1"


async def test_a_context_refuses_for_its_caller(toy: Toy, writers: Sessions):
    async with writers() as db:
        ctx = toy.runtime.context(GUARD, db)
        ctx.require("guard", "desk", site_id=1)
        with pytest.raises(Forbidden, match="guard or desk at site 2"):
            ctx.require("guard", "desk", site_id=2)
        assert ctx.user_id == 4
        with pytest.raises(Forbidden):
            _ = toy.runtime.context(SERVICE, db).user_id


def test_a_problem_is_told_the_same_when_it_is_replayed():
    refused: DomainError = Invalid.field("start", "lies in the past")
    refused.errors += Invalid.field("end", "too").errors

    replayed = Replayed(refused.problem())

    assert replayed.problem() == refused.problem()
    assert replayed.errors == refused.errors
    assert replayed.status == 422


def test_keys_of_different_purposes_and_secrets_differ():
    keys = {Keys(secret).derive(purpose) for secret in ("a", "b") for purpose in ("x", "y")}

    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)
    assert Keys("a").derive("x") == Keys("a").derive("x")
    signature = Keys("a").signing("x").sign(b"m")
    Keys("a").signing("x").public_key().verify(signature, b"m")
    assert tools().policy.production is False
