"""Each minute with events gets one signed root, and any event of it can be shown to be under that root."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import text

from domain.access.operations.proofs import NotSealed
from domain.access.operations.roots import root_in
from domain.access.rules.merkle import Path, leads
from domain.access.rules.minutes import key_leaf
from domain.access.rules.statements import FIRST
from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, NotFound
from tests.premises import Premises
from tests.reports import Reporter, expect_guest, seal


async def roots(premises: Premises, **members: Any) -> list[Any]:
    listed = await premises.ask("manager", "access.list_log_roots", site_id=premises.ids["site"], **members)
    return list(listed.items)


async def test_a_minute_with_events_has_one_root_and_one_without_has_none(premises: Premises):
    gate = Reporter(premises)
    began = premises.now
    await gate.report(3)
    await seal(premises)
    premises.house.clock.advance(minutes=5)
    await gate.report(2)
    await seal(premises)
    await seal(premises)

    first, second = await roots(premises)
    assert [first.minute, second.minute] == [
        int(began.timestamp()),
        int((began + timedelta(minutes=6)).timestamp()),
    ]
    assert [(one.number, one.count) for one in (first, second)] == [(1, 3), (2, 2)]
    assert (first.previous, second.previous) == (FIRST.hex(), root_in(first).hash.hex())


async def test_a_root_is_signed_with_a_key_that_is_in_no_database(premises: Premises):
    await Reporter(premises).report()
    await seal(premises)

    (root,) = await roots(premises)

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(root.public_key))
    assert root_in(root).is_signed(key)
    assert sha256(bytes.fromhex(root.public_key)).hexdigest().startswith(root.key)
    private = premises.house.tools.keys.signing("evidence of the access log").private_bytes_raw()
    async with premises.house.runtime.readers() as db:
        for table in ("evidence_keys", "pass_keys", "log_roots"):
            rows = str((await db.execute(text(f"SELECT * FROM {table}"))).all())
            assert private.hex() not in rows and str(private) not in rows


async def test_each_site_has_a_chain_of_its_own(premises: Premises):
    other = await premises.house.site("Elsewhere")
    await Reporter(premises).report(2)
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text("UPDATE gates SET site_id = :other WHERE name = 'door'"), {"other": other})
    await Reporter(premises, gate="door").report(1)
    await seal(premises)

    assert [(one.number, one.count) for one in await roots(premises)] == [(1, 2)]
    elsewhere = await premises.ask("admin", "access.list_log_roots", site_id=other)
    assert [(one.number, one.count) for one in elsewhere.items] == [(1, 1)]


async def test_roots_are_listed_by_pages_and_by_time(premises: Premises):
    gate, began = Reporter(premises), premises.now
    for _ in range(3):
        await gate.report()
        await seal(premises)

    page = await premises.ask("manager", "access.list_log_roots", site_id=premises.ids["site"], limit=2)
    rest = await roots(premises, limit=2, cursor=page.next_cursor)
    assert [one.number for one in [*page.items, *rest]] == [1, 2, 3]
    window = {"since": began + timedelta(minutes=1), "until": began + timedelta(minutes=2)}
    assert [one.number for one in await roots(premises, **window)] == [2]
    with pytest.raises(Forbidden):
        await premises.ask("guard", "access.list_log_roots", site_id=premises.ids["site"])


async def test_much_at_once_is_signed_in_several_rounds(premises: Premises, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("domain.access.operations.roots.MINUTES_AT_ONCE", 2)
    gate = Reporter(premises)
    for _ in range(5):
        await gate.report()
        premises.house.clock.advance(minutes=1)
    await premises.house.call(SERVICE, "access.seal_log")
    premises.house.clock.advance(seconds=10)
    await premises.house.call(SERVICE, "access.seal_log")

    assert [await premises.house.call(SERVICE, "access.sign_roots") for _ in range(4)] == [2, 2, 1, 0]


async def test_an_event_is_proved_to_be_under_its_root(premises: Premises):
    await expect_guest(premises)
    await Reporter(premises).report(5)
    await Reporter(premises, gate="door").report(4)
    await seal(premises)

    for access_id in range(1, 10):
        proof = await premises.ask("manager", "access.prove_event", access_id=access_id)
        event_hash = bytes.fromhex(proof.hash)
        leaf = key_leaf(proof.gate_id, bytes.fromhex(proof.epoch), proof.seq, proof.received_us, event_hash)
        way = Path(proof.index, proof.root.count, [bytes.fromhex(one) for one in proof.path])
        assert leads(leaf, way, bytes.fromhex(proof.root.root))
        canonical = bytes.fromhex(proof.canonical)
        assert sha256(bytes.fromhex(proof.previous_hash) + canonical).digest() == event_hash
        assert msgspec.json.decode(canonical)["s"] == proof.seq


async def test_an_event_of_a_minute_that_is_not_over_is_proved_later(premises: Premises):
    await Reporter(premises).report()
    with pytest.raises(NotSealed):
        await premises.ask("manager", "access.prove_event", access_id=1)
    with pytest.raises(NotFound):
        await premises.ask("manager", "access.prove_event", access_id=10**9)

    await seal(premises)

    assert (await premises.ask("manager", "access.prove_event", access_id=1)).root.count == 1
