"""Who is told what when something happens."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from domain.access.events import GateAlarmEscalated, GuestPassRequested, VisitLogged
from domain.access.queries import alarms_of
from domain.identity.queries.people import holders_of_role
from domain.kernel.context import Context
from domain.kernel.events import Event, reacts_to
from domain.notifications.events import NotificationCreated
from domain.notifications.queries.views import Params
from domain.notifications.rules import Kind
from domain.notifications.tables import DeliveryRow, NotificationRow

Telling = tuple[Event, int, Params]
"""What happened, who is told, and what they are told of it."""


@reacts_to(VisitLogged)
async def tell_of_arrivals(ctx: Context, facts: Sequence[VisitLogged]) -> None:
    """Tell the host when a guest comes in for the first time."""
    arrivals = [fact for fact in facts if fact.action == "enter" and fact.first]
    await _tell(
        ctx, "guest_arrived", [(fact, fact.host_user_id, _params(fact, at=fact.at)) for fact in arrivals]
    )


@reacts_to(GuestPassRequested)
async def tell_of_passes(ctx: Context, facts: Sequence[GuestPassRequested]) -> None:
    """Tell the host of a new pass, and send it to the guest."""
    await _tell(ctx, "guest_pass_requested", [(fact, fact.host_user_id, _params(fact)) for fact in facts])
    for fact in facts:
        ctx.defer("notifications.send_invitation", guest_pass_id=fact.guest_pass_id)


@reacts_to(GateAlarmEscalated)
async def tell_of_alarms(ctx: Context, facts: Sequence[GateAlarmEscalated]) -> None:
    """Tell the managers of a site of an alarm that nobody sees to."""
    alarms = await alarms_of(ctx, {fact.alarm_id for fact in facts})
    told: list[Telling] = []
    for fact in facts:
        since = alarms[fact.alarm_id].raised_at if fact.alarm_id in alarms else None
        params = Params(site_id=fact.site_id, alarm_id=fact.alarm_id, at=since)
        managers = await holders_of_role(ctx, "manager", fact.site_id)
        told += [(fact, manager, params) for manager in managers]
    await _tell(ctx, "alarm_escalated", told)


def _params(fact: VisitLogged | GuestPassRequested, **more: Any) -> Params:
    return Params(site_id=fact.site_id, guest_pass_id=fact.guest_pass_id, **more)


async def _tell(ctx: Context, kind: Kind, told: Sequence[Telling]) -> None:
    """Write one notification per fact and reader, each only once, and have the new ones mailed."""
    if not told:
        return
    rows = [
        {
            "fact_key": _fact_key(fact),
            "user_id": user_id,
            "kind": kind,
            "params": msgspec.to_builtins(params),
            "created_at": ctx.now,
            "version": 1,
        }
        for fact, user_id, params in told
    ]
    fresh = insert_or_skip(NotificationRow).on_conflict_do_nothing()
    new = (await ctx.db.execute(fresh.returning(NotificationRow.id, NotificationRow.user_id), rows)).all()
    if not new:
        return
    ways = [
        {"notification_id": row.id, "channel": "mail", "state": "pending", "changed_at": ctx.now}
        for row in new
    ]
    await ctx.db.execute(insert(DeliveryRow), ways)
    for row in new:
        ctx.emit(NotificationCreated(notification_id=row.id, user_id=row.user_id))
        ctx.defer("notifications.send_mail", notification_id=row.id)


def _fact_key(fact: Event) -> str:
    return f"{fact.name}/{fact.aggregate_id}"
