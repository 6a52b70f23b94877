"""Device accounts: how a gate signs in at the broker, and how the broker is brought to know it."""

import base64
import hmac
from collections.abc import Sequence

import msgspec
from sqlalchemy import select, update

from domain.access.events import DeviceProvisioned
from domain.access.operations.keys import public_keys
from domain.access.tables.place import DeviceRow, GateRow, ZoneRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.kernel.tools import Tools


class Entered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The zone that one direction of a gate leads into, as far as a gate that decides alone must know it."""

    direction: str
    zone_id: int
    ordinal: int
    offline_policy: str


class DeviceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate needs to speak: the broker, its account, its topics, and the keys to read passes with (base64url).

    ``enters`` names the zones it leads into; a direction that leads into the street is not among them.
    """

    gate_id: int
    site_id: int
    mqtt_url: str
    ca_certificate: str
    username: str
    password: str = ""
    generation: int
    topic_root: str
    pass_keys: dict[int, str] = msgspec.field(default_factory=dict)
    enters: Sequence[Entered] = ()


class DeviceAccount(msgspec.Struct, frozen=True, rename="camel"):
    """An account as the broker must have it."""

    gate_id: int
    site_id: int
    username: str
    password: str
    enabled: bool
    revision: int


async def renew_account(ctx: Context, gate: GateRow, *, by: int | None) -> DeviceRow:
    """Give a gate, whose row is locked, a new account that is switched on; the one it had stops working."""
    device = await ctx.db.get(DeviceRow, gate.id, with_for_update=True)
    if device is None:
        device = DeviceRow(gate_id=gate.id, generation=0, revision=0, applied_revision=0, hardware="")
        device.enabled, device.switched_why = True, ""
        ctx.db.add(device)
    if not device.enabled:
        device.switched_at, device.switched_by, device.switched_why = ctx.now, by, "a new account"
    device.generation += 1
    device.revision += 1
    device.enabled = True
    device.provisioned_at, device.provisioned_by, device.public_key = ctx.now, by, None
    ctx.emit(DeviceProvisioned(gate_id=gate.id, site_id=gate.site_id), of=gate)
    await ctx.db.flush()
    return device


async def account_of(ctx: Context, gate: GateRow, device: DeviceRow) -> DeviceView:
    """Return what a gate is told of its account; `with_password` adds the password."""
    return DeviceView(
        gate_id=gate.id,
        site_id=gate.site_id,
        mqtt_url=ctx.tools.policy.mqtt_public_url,
        ca_certificate=ctx.tools.policy.mqtt_authority,
        username=str(gate.id),
        generation=device.generation,
        topic_root=f"gh/1/{gate.site_id}/{gate.id}",
        pass_keys=await public_keys(ctx),
        enters=await _entered(ctx, gate),
    )


async def with_password(ctx: Context, answer: DeviceView) -> DeviceView:
    """Add the password to an answer."""
    password = password_of(ctx.tools, answer.gate_id, answer.generation)
    return msgspec.structs.replace(answer, password=password)


@operation("access.list_device_accounts", allow={"service"}, reads=True)
async def list_device_accounts(ctx: Context, *, pending: bool = True) -> list[DeviceAccount]:
    """List the accounts the broker does not have yet as they must be (or all, for a broker that lost them)."""
    chosen = select(DeviceRow, GateRow.site_id).join(GateRow, GateRow.id == DeviceRow.gate_id)
    if pending:
        chosen = chosen.where(DeviceRow.revision != DeviceRow.applied_revision)
    return [
        DeviceAccount(
            gate_id=row.gate_id,
            site_id=site_id,
            username=str(row.gate_id),
            password=password_of(ctx.tools, row.gate_id, row.generation),
            enabled=row.enabled,
            revision=row.revision,
        )
        for row, site_id in await ctx.db.execute(chosen.order_by(DeviceRow.gate_id).limit(500))
    ]


@operation("access.device_account_applied", allow={"service"}, replays=False)
async def device_account_applied(ctx: Context, *, gate_id: int, revision: int) -> None:
    """Note that the broker has an account as of ``revision``."""
    await ctx.db.execute(
        update(DeviceRow).where(DeviceRow.gate_id == gate_id).values(applied_revision=revision)
    )


@operation("access.reapply_device_accounts", allow={"service", "admin"}, replays=False)
async def reapply_device_accounts(ctx: Context) -> None:
    """Have every account sent to the broker again, for a broker that has lost them."""
    await ctx.db.execute(update(DeviceRow).values(revision=DeviceRow.revision + 1))


def password_of(tools: Tools, gate_id: int, generation: int) -> str:
    """Return the password of an account, which is kept nowhere."""
    secret = hmac.digest(tools.keys.derive("device-account"), f"{gate_id}/{generation}".encode(), "sha256")
    return base64.urlsafe_b64encode(secret[:24]).decode()


async def _entered(ctx: Context, gate: GateRow) -> list[Entered]:
    ways = [("in", gate.to_zone_id), ("out", gate.from_zone_id)]
    zones = [(way, await ctx.db.get_one(ZoneRow, zone_id)) for way, zone_id in ways if zone_id is not None]
    return [
        Entered(direction=way, zone_id=zone.id, ordinal=zone.ordinal, offline_policy=zone.offline_policy)
        for way, zone in zones
    ]
