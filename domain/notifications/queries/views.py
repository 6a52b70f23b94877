"""Notifications as their reader sees them: ids become names at the moment of reading."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from domain.access.queries import GuestPassFacts, alarms_of, guest_passes_of
from domain.identity.queries.people import addressees_of
from domain.kernel.context import Context
from domain.notifications.rules import Told, words
from domain.notifications.tables import NotificationRow
from domain.sites.operations import names_of as site_names_of
from domain.sites.operations import time_zone_of


class NotificationView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One notification, in the language of the person it is for."""

    notification_id: int
    kind: str
    title: str
    text: str
    link: str | None
    created_at: datetime
    read_at: datetime | None


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What a notification remembers of its fact."""

    site_id: int
    guest_pass_id: int | None = None
    alarm_id: int | None = None
    at: datetime | None = None


async def views_of(ctx: Context, rows: Sequence[NotificationRow]) -> list[NotificationView]:
    """Return these notifications in words."""
    readers = await addressees_of(ctx, {row.user_id for row in rows})
    told = await _told(ctx, {row.id: msgspec.convert(row.params, Params) for row in rows})
    return [
        _view(row, told[row.id], readers[row.user_id].locale if row.user_id in readers else "en")
        for row in rows
    ]


async def told_of_pass(ctx: Context, guest_pass: GuestPassFacts) -> Told:
    """Return what a letter about a pass says."""
    params = Params(site_id=guest_pass.site_id, guest_pass_id=guest_pass.guest_pass_id)
    return (await _told(ctx, {0: params}))[0]


async def _told(ctx: Context, params: Mapping[int, Params]) -> dict[int, Told]:
    site_ids = {one.site_id for one in params.values()}
    passes = await guest_passes_of(ctx, {one.guest_pass_id or 0 for one in params.values()})
    alarms = await alarms_of(ctx, {one.alarm_id for one in params.values() if one.alarm_id is not None})
    names = await site_names_of(ctx, site_ids)
    zones = await _zones(ctx, names)
    return {
        key: Told(
            guest=guest.guest_name if (guest := passes.get(one.guest_pass_id or 0)) else None,
            site=names.get(one.site_id),
            zone=zones.get(one.site_id, "UTC"),
            at=one.at,
            start=guest.valid_from if guest else None,
            end=guest.valid_until if guest else None,
            alarm=alarm.kind if (alarm := alarms.get(one.alarm_id or 0)) else None,
            gate=alarm.gate_name if alarm else None,
        )
        for key, one in params.items()
    }


async def _zones(ctx: Context, site_ids: Collection[int]) -> dict[int, str]:
    return {site_id: await time_zone_of(ctx, site_id) for site_id in site_ids}


def _view(row: NotificationRow, told: Told, locale: str) -> NotificationView:
    said = words(row.kind, told, locale)
    return NotificationView(
        notification_id=row.id,
        kind=row.kind,
        title=said.title,
        text=said.text,
        link=None,
        created_at=row.created_at,
        read_at=row.read_at,
    )
