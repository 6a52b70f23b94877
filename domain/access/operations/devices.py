"""Devices: the account that a gate signs in with at the broker, who gave it, and whether it is switched off."""

from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import DeviceDisabled, DeviceEnabled, GateOffline
from domain.access.operations.device_accounts import (
    DeviceView,
    account_of,
    renew_account,
    with_password,
)
from domain.access.operations.enrolment import withdraw_enrolment
from domain.access.tables.place import DeviceRow, GateRow
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Why = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class DeviceState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The device of a gate as managers see it; ``applied`` says whether the broker has it so already."""

    gate_id: int
    name: str
    enabled: bool
    applied: bool
    generation: int
    hardware: str
    firmware: str
    public_key: str | None
    provisioned_at: datetime | None
    provisioned_by: int | None
    switched_at: datetime | None
    switched_by: int | None
    reason: str
    link: str


@operation("access.provision_gate", allow={"manager", "admin"}, reveal=with_password)
async def provision_gate(ctx: Context, *, gate_id: int) -> DeviceView:
    """Give a gate a new device account; the one it had stops working. The password is shown in this answer only."""
    gate = await _gate(ctx, gate_id)
    await withdraw_enrolment(ctx, gate_id)
    device = await renew_account(ctx, gate, by=ctx.caller.user_id)
    return await account_of(ctx, gate, device)


@operation("access.list_devices", allow={"manager", "admin"}, reads=True)
async def list_devices(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[DeviceState]:
    """List the devices of a site: who gave each its account, whether it is switched off, and if the broker knows."""
    ctx.require("manager", site_id=site_id)
    chosen = select(DeviceRow, GateRow).join(GateRow, GateRow.id == DeviceRow.gate_id)
    chosen = chosen.where(GateRow.site_id == site_id)
    rows = await ctx.db.execute(turn(chosen, DeviceRow.gate_id, limit=limit, cursor=cursor))
    return page([_state(device, gate) for device, gate in rows], limit, lambda one: one.gate_id)


@operation("access.disable_device", allow={"manager", "admin"})
async def disable_device(ctx: Context, *, gate_id: int, reason: Why) -> DeviceState:
    """Lock a gate's device out: the broker ends its connection at once and nobody enters by its word."""
    return await _switch(ctx, gate_id, enabled=False, reason=reason)


@operation("access.enable_device", allow={"manager", "admin"})
async def enable_device(ctx: Context, *, gate_id: int, reason: Why) -> DeviceState:
    """Let a device in again with the account it had; what its journal holds arrives then."""
    return await _switch(ctx, gate_id, enabled=True, reason=reason)


async def _switch(ctx: Context, gate_id: int, *, enabled: bool, reason: str) -> DeviceState:
    gate = await _gate(ctx, gate_id)
    device = await ctx.db.get(DeviceRow, gate_id, with_for_update=True)
    if device is None:
        raise NotFound(f"Gate {gate_id} has no device")
    if not enabled:
        await withdraw_enrolment(ctx, gate_id)
    if device.enabled is not enabled:
        device.enabled = enabled
        device.revision += 1
        device.switched_at, device.switched_by, device.switched_why = ctx.now, ctx.caller.user_id, reason
        fact = DeviceEnabled if enabled else DeviceDisabled
        ctx.emit(fact(gate_id=gate_id, site_id=gate.site_id, reason=reason), of=gate)
        # Mosquitto 2.0 publishes no will of an account that it throws out, so that nobody else would tell
        if not enabled and gate.link != "offline":
            gate.link = "offline"
            ctx.emit(GateOffline(gate_id=gate_id, site_id=gate.site_id), of=gate)
    return _state(device, gate)


async def _gate(ctx: Context, gate_id: int) -> GateRow:
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        raise NotFound(f"There is no gate {gate_id}")
    ctx.require("manager", site_id=gate.site_id)
    return gate


def _state(device: DeviceRow, gate: GateRow) -> DeviceState:
    return DeviceState(
        gate_id=gate.id,
        name=gate.name,
        enabled=device.enabled,
        applied=device.revision == device.applied_revision,
        generation=device.generation,
        hardware=device.hardware or gate.hardware,
        firmware=gate.firmware,
        public_key=device.public_key,
        provisioned_at=device.provisioned_at,
        provisioned_by=device.provisioned_by,
        switched_at=device.switched_at,
        switched_by=device.switched_by,
        reason=device.switched_why,
        link=gate.link,
    )
