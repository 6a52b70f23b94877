"""Device accounts: how a gate signs in at the broker, and how the broker is brought to know it."""

import base64
import hmac

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import DeviceProvisioned
from domain.access.operations.keys import public_keys
from domain.access.tables.place import DeviceRow, GateRow
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.tools import Tools


class DeviceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate needs to speak: its account, its topics, and the keys to read passes with (base64url)."""

    gate_id: int
    site_id: int
    username: str
    password: str = ""
    generation: int
    topic_root: str
    pass_keys: dict[int, str] = msgspec.field(default_factory=dict)


class DeviceAccount(msgspec.Struct, frozen=True, rename="camel"):
    """An account as the broker must have it."""

    gate_id: int
    site_id: int
    username: str
    password: str
    enabled: bool
    revision: int


async def _with_password(ctx: Context, answer: DeviceView) -> DeviceView:
    password = _password(ctx.tools, answer.gate_id, answer.generation)
    return msgspec.structs.replace(answer, password=password)


@operation("access.provision_gate", allow={"manager", "admin"}, reveal=_with_password)
async def provision_gate(ctx: Context, *, gate_id: int) -> DeviceView:
    """Give a gate a new device account; the one it had stops working. The password is shown in this answer only."""
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        raise NotFound(f"There is no gate {gate_id}")
    ctx.require("manager", site_id=gate.site_id)
    fresh = insert(DeviceRow).values(
        gate_id=gate_id, generation=1, enabled=True, revision=1, applied_revision=0
    )
    kept = fresh.on_conflict_do_update(
        index_elements=[DeviceRow.gate_id],
        set_={
            "generation": DeviceRow.generation + 1,
            "revision": DeviceRow.revision + 1,
            "enabled": True,
        },
    )
    generation = (await ctx.db.execute(kept.returning(DeviceRow.generation))).scalar_one()
    ctx.emit(DeviceProvisioned(gate_id=gate_id, site_id=gate.site_id), of=gate)
    return DeviceView(
        gate_id=gate_id,
        site_id=gate.site_id,
        username=str(gate_id),
        generation=generation,
        topic_root=f"gh/1/{gate.site_id}/{gate_id}",
        pass_keys=await public_keys(ctx),
    )


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
            password=_password(ctx.tools, row.gate_id, row.generation),
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


def _password(tools: Tools, gate_id: int, generation: int) -> str:
    secret = hmac.digest(tools.keys.derive("device-account"), f"{gate_id}/{generation}".encode(), "sha256")
    return base64.urlsafe_b64encode(secret[:24]).decode()
