"""`gatehouse verify-log` tells of every journal, finds whatever was done to the log, and ends with 1 where it did.

Proves: domain/access/operations/verification.py, gatehouse/exporting.py
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as some
from sqlalchemy import text

from domain.access.operations import verification
from domain.kernel.caller import SERVICE
from gatehouse.exporting import export_roots
from gatehouse.settings import BadSetting, Settings, read
from gatehouse.verifying import verify_log
from tests.premises import Premises, furnished
from tests.reports import Reporter, expect_guest, meddle, seal

SECRET = "a secret of tests"
TABLES = ("access_log", "access_keys", "gate_epochs", "log_roots", "log_omissions", "log_seal")


def settings(database: str, folder: Path, secret: str = SECRET) -> Settings:
    environment = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database,
        "JWT_SECRET_KEY": secret,
        "GATEHOUSE_DATA": str(folder),
    }
    return read(environment, folder / "no.env")


class Log:
    """A log of some gates and some minutes, and what the command says of it."""

    def __init__(
        self, premises: Premises, url: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.premises = premises
        self.folder = folder
        self.url = url
        self._capsys = capsys

    async def fill(self) -> None:
        """Have three journals of two gates report over three minutes, all of them signed, and the desk after them."""
        await expect_guest(self.premises)
        gates = [
            Reporter(self.premises),
            Reporter(self.premises, "door"),
            Reporter(self.premises, epoch="ff" * 8),
        ]
        for _ in range(3):
            for gate in gates:
                await gate.report(3)
            await seal(self.premises)
        await gates[0].send([], (gates[0].unreadable(),))
        await self.premises.ask("desk", "access.log_visit", guest_pass_id=1, action="exit")

    async def told(self, *, secret: str = SECRET, **options: Any) -> tuple[int, str]:
        """Return how the command ends and what it prints."""
        self._capsys.readouterr()
        ended = 0
        try:
            await verify_log(settings(self.url, self.folder, secret), [], **options)
        except SystemExit as end:
            ended = int(str(end.code))
        return ended, self._capsys.readouterr().out

    async def findings(self, **options: Any) -> list[str]:
        """Return the lines that tell what is wrong; they are told exactly where the command ends with 1."""
        ended, out = await self.told(**options)
        found = [line.strip() for line in out.splitlines() if line.startswith("  ")]
        assert bool(found) == bool(ended)
        return found

    async def export(self) -> Path:
        """Write the roots into a file."""
        file = self.folder / "roots.ndjson"
        await export_roots(settings(self.url, self.folder), self.premises.ids["site"], file)
        return file


@pytest.fixture
async def log(database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Log]:
    async with furnished(database) as premises:
        one = Log(premises, database, tmp_path, capsys)
        await one.fill()
        yield one


async def test_a_log_as_it_was_written_is_told(log: Log):
    ended, out = await log.told()

    assert ended == 0
    assert "gate 1, journal 00112233445566ff: 0 missing, last seq 10, 1 unreadable, in quarantine" in out
    assert "gate 1, journal ffffffffffffffff: 0 missing, last seq 9" in out
    assert "3 signed minutes" in out and "28 events verified in" in out and "0 findings" in out


async def test_several_processes_find_the_same(log: Log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verification, "ROWS", 5)
    assert await log.findings(jobs=2) == []

    await meddle(log.premises, "UPDATE access_log SET direction = 'out' WHERE gate_id = 2 AND seq = 5")
    await meddle(log.premises, "DELETE FROM access_log WHERE gate_id = 1 AND seq = 4")

    alone, together = await log.findings(), await log.findings(jobs=2)
    assert alone == together and len(alone) >= 3


TAMPERING = {
    "an edited column": ("UPDATE access_log SET direction = 'out' WHERE id = 3", "says another direction"),
    "an edited form": ("UPDATE access_log SET canonical = canonical || ' ' WHERE id = 3", "is not what its hash"),
    "another person": ("UPDATE access_log SET grant_id = 7 WHERE id = 3", "names another person"),
    "nobody": ("UPDATE access_log SET grant_id = NULL, salt = NULL WHERE id = 3", "1 events without their person"),
    "another zone": ("UPDATE access_log SET zone_id = 2 WHERE id = 3", "was written down otherwise"),
    "another site": ("UPDATE access_log SET site_id = 9 WHERE id = 3", "stands under another site"),
    "another moment": (
        "UPDATE access_log SET received_at = received_at + interval '1 s' WHERE id = 3", "came at another moment"
    ),
    "another day": ("UPDATE access_log SET received_at = '2026-03-03' WHERE id = 3", "came at another moment"),
    "late": ("UPDATE access_log SET historical = NOT historical WHERE id = 3", "was written down otherwise"),
    "an edited desk": ("UPDATE access_log SET grant_id = 7 WHERE gate_id = 3", "names another person"),
    "a row taken": ("DELETE FROM access_log WHERE id = 3", "came and is in the log no more"),
    "a row and its key taken": ("WITH gone AS (DELETE FROM access_log WHERE id = 3 RETURNING gate_id, epoch, seq) "
                                "DELETE FROM access_keys USING gone WHERE (access_keys.gate_id, access_keys.epoch, "
                                "access_keys.seq) = (gone.gate_id, gone.epoch, gone.seq)", "in the log no more"),
    "a key taken": ("DELETE FROM access_keys WHERE gate_id = 1 AND seq = 3", "never came"),
    "two swapped": ("UPDATE access_log SET seq = CASE seq WHEN 3 THEN 5 ELSE 3 END WHERE gate_id = 2 AND seq IN (3, 5)",
                    "stands under another number"),
    "a copy": ("INSERT INTO access_log SELECT 99, received_at, site_id, gate_id, epoch, seq, at, clock, kind, rid, "
               "decision, source, historical, direction, zone_id, admit, reason, grant_id, salt, detail, canonical, "
               "previous_hash, hash FROM access_log WHERE id = 3", "stands in the log twice"),
    "a watermark lowered": ("UPDATE gate_epochs SET watermark = 4 WHERE gate_id = 2", "the watermark stands lower"),
    "a watermark raised": ("UPDATE gate_epochs SET watermark = 40 WHERE gate_id = 2", "in the log no more"),
    "a journal forgotten": ("DELETE FROM gate_epochs WHERE gate_id = 2", "the watermark stands lower"),
    "a root edited": ("UPDATE log_roots SET count = count + 1 WHERE number = 2", "has other events than its root says"),
    "a root removed": ("DELETE FROM log_roots WHERE number = 2", "has events and no root"),
    "the last root removed": ("DELETE FROM log_roots WHERE number = 3", "has events and no root"),
    "a signature edited": ("UPDATE log_roots SET signature = sha256('x') || sha256('y') WHERE number = 3",
                           "has a signature that is not good"),
    "a seal moved back": ("UPDATE log_seal SET rooted = '2026-03-02 09:01Z'", "has a root and no events"),
    "an invented note": ("INSERT INTO log_omissions (site_id, day, kind, events, unreadable, term_days, at, key, "
                         "signature) SELECT site_id, '2026-03-02', 'dropped', 99, 0, 1, '2026-03-09', key, signature "
                         "FROM log_roots LIMIT 1", "is noted as dropped, and the signature is not good"),
}  # fmt: skip


async def test_what_was_done_to_the_log_is_found(kept_log: Log):
    missed = {}
    for done, (statement, problem) in TAMPERING.items():
        await bring_back(kept_log.premises)
        await meddle(kept_log.premises, statement)
        if not any(problem in found for found in await kept_log.findings()):
            missed[done] = await kept_log.findings()

    assert missed == {}


async def test_roots_signed_anew_with_another_key_are_found(log: Log):
    """Somebody with the whole database deletes what they did and has all minutes signed again, by another house."""
    await meddle(log.premises, "DELETE FROM log_roots", "UPDATE log_seal SET rooted = 'epoch'")
    log.premises.house.tools.keys._secret = b"another secret"
    while await log.premises.house.call(SERVICE, "access.sign_roots"):
        pass

    found = await log.findings()

    assert found and all(line.endswith("is signed with a key that is not ours") for line in found)


async def test_a_history_that_was_rewritten_and_signed_by_us_is_found_by_an_export(log: Log):
    file = await log.export()
    assert await log.findings(roots=file) == []
    newest = "gate_id = 2 AND seq > 6"
    await meddle(
        log.premises, f"DELETE FROM access_log WHERE {newest}", f"DELETE FROM access_keys WHERE {newest}",
        "UPDATE gate_epochs SET watermark = 6, highest = 6 WHERE gate_id = 2", "DELETE FROM log_roots",
        "UPDATE log_seal SET rooted = 'epoch'",
    )  # fmt: skip
    while await log.premises.house.call(SERVICE, "access.sign_roots"):
        pass

    assert await log.findings() == [], "whoever has the database and the secret leaves nothing to see in it"
    assert await log.findings(roots=file) == [
        "site 1: the minute 2026-03-02 09:02 has another root than the one that was exported"
    ]


async def test_roots_of_an_older_secret_count_as_long_as_an_export_tells_its_key(log: Log):
    file = await log.export()

    assert await log.findings(secret="a newer secret") != []
    assert await log.findings(secret="a newer secret", roots=file) == []


async def test_what_was_dropped_and_erased_is_told_and_no_finding(log: Log):
    await log.premises.ask("manager", "access.erase_person", guest_pass_id=1)
    ended, out = await log.told()
    assert (ended, "without their person" in out) == (0, True)
    file = await log.export()

    log.premises.house.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    while await log.premises.house.call(SERVICE, "access.drop_days"):
        pass
    ended, out = await log.told(roots=file)

    assert ended == 0
    assert "gate 1, journal 00112233445566ff: 0 missing, last seq 10, 10 dropped after their term" in out
    await meddle(log.premises, "DELETE FROM log_omissions WHERE kind = 'dropped'")
    assert "came and is in the log no more" in str(await log.findings())


async def test_a_gate_alone_is_verified_too_and_one_that_does_not_exist_is_told(log: Log):
    house = settings(log.url, log.folder)
    await verify_log(house, [log.premises.ids["door"]])

    with pytest.raises(SystemExit) as ended:
        await verify_log(house, [10**9])
    assert ended.value.code == "gatehouse: There is no gate 1000000000"
    await meddle(log.premises, "UPDATE access_log SET direction = 'out' WHERE gate_id = 2 AND seq = 5")
    with pytest.raises(SystemExit) as ended:
        await verify_log(house, [log.premises.ids["door"]])
    assert ended.value.code == 1


async def test_an_export_that_cannot_be_read_is_told(log: Log):
    (log.folder / "junk").write_bytes(b"junk\n")

    for name in ("junk", "missing"):
        with pytest.raises(BadSetting):
            await verify_log(settings(log.url, log.folder), [], roots=log.folder / name)


async def test_roots_are_not_compared_with_single_journals(log: Log):
    with pytest.raises(BadSetting, match="--roots tells of the whole log of a site, which --gate leaves out"):
        await verify_log(settings(log.url, log.folder), [1], roots=await log.export())


async def test_the_roots_of_a_site_that_does_not_exist_are_not_exported(log: Log):
    with pytest.raises(SystemExit) as ended:
        await export_roots(settings(log.url, log.folder), 10**9, log.folder / "file")

    assert "There is no site 1000000000" in str(ended.value.code)
    assert not (log.folder / "file").exists()


class Vandal:
    """Somebody who does anything to rows of the log, knowing what its columns are."""

    EDITS = (
        "site_id = site_id + 1", "gate_id = 3 - gate_id", "epoch = sha256(epoch)", "seq = seq + 1", "seq = 100",
        "at = at + interval '1 ms'", "clock = 'unsure'", "kind = 'mode'", "rid = 'x'", "rid = NULL", "decision = 'x'",
        "source = 'offline'", "historical = NOT historical", "direction = 'x'", "direction = NULL",
        "zone_id = coalesce(zone_id, 0) + 1", "admit = false", "admit = NULL", "reason = 'full'", "reason = NULL",
        "grant_id = 5", "grant_id = NULL", "salt = sha256('x')", "salt = NULL",
        "detail = '{\"a\": 1}'", "detail = '{}'",
        "canonical = '{}'", "canonical = canonical || ' '", "previous_hash = sha256('x')", "hash = sha256('x')",
        "received_at = received_at + interval '1 us'", "received_at = received_at - interval '40 s'", "id = id + 1000",
    )  # fmt: skip
    KEYS = (
        "seq = seq + 100", "hash = sha256('x')", "received_at = received_at + interval '1 us'", "gate_id = 3 - gate_id",
        "epoch = sha256(epoch)", "received_at = received_at + interval '1 min'",
    )  # fmt: skip
    ROOTS = (
        "number = number + 10", "minute = minute + interval '1 min'", "count = count + 1", "root = sha256('x')",
        "rows = sha256('x')", "previous = sha256('x')", "signature = sha256('x') || sha256('y')", "site_id = 2",
    )  # fmt: skip
    JOURNALS = (
        "watermark = watermark - 1",
        "watermark = watermark + 1",
        "highest = highest + 1",
        "highest = 0",
    )

    deeds = some.one_of(
        some.builds("UPDATE access_log SET {} WHERE id = {}".format, some.sampled_from(EDITS), some.integers(1, 27)),
        some.builds("DELETE FROM access_log WHERE id = {}".format, some.integers(1, 27)),
        some.builds(
            "UPDATE access_keys SET {} WHERE gate_id = {} AND seq = {}".format,
            some.sampled_from(KEYS), some.integers(1, 2), some.integers(1, 9),
        ),
        some.builds(
            "DELETE FROM access_keys WHERE gate_id = {} AND seq = {}".format, some.integers(1, 2), some.integers(1, 9)
        ),
        some.builds("UPDATE log_roots SET {} WHERE number = {}".format, some.sampled_from(ROOTS), some.integers(1, 3)),
        some.builds("DELETE FROM log_roots WHERE number = {}".format, some.integers(1, 3)),
        some.builds(
            "UPDATE gate_epochs SET {} WHERE gate_id = {}".format, some.sampled_from(JOURNALS), some.integers(1, 2)
        ),
        some.builds(
            "UPDATE access_log SET seq = CASE seq WHEN {0} THEN {1} ELSE {0} END "
            "WHERE gate_id = 2 AND seq IN ({0}, {1})".format,
            some.integers(1, 4), some.integers(5, 9),
        ),
    )  # fmt: skip


@pytest.fixture
async def kept_log(log: Log) -> Log:
    """A log that can be brought back to what it was."""
    await meddle(
        log.premises, "INSERT INTO sites (id, name, time_zone, shard, followed, created_at, version)"
        " VALUES (2, 'x', 'UTC', 0, 0, now(), 0)",
        *(f"CREATE TABLE kept_{table} AS TABLE {table}" for table in TABLES),
    )  # fmt: skip
    return log


@hypothesis(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(deeds=some.lists(Vandal.deeds, min_size=1, max_size=3))
async def test_any_tampering_is_found(kept_log: Log, deeds: list[str]):
    premises = kept_log.premises
    await bring_back(premises)
    for deed in deeds:
        try:
            await meddle(premises, deed)
        except Exception as refused:  # the database does not let everything be done
            assert "constraint" in str(refused), deed

    assert bool(await kept_log.findings()) == await changed(premises), deeds


async def bring_back(premises: Premises) -> None:
    """Make the log what it was."""
    await meddle(premises, *(f"DELETE FROM {table}" for table in TABLES))
    await meddle(premises, *(f"INSERT INTO {table} SELECT * FROM kept_{table}" for table in TABLES))


async def changed(premises: Premises) -> bool:
    """Tell whether any row differs from what it was."""
    async with premises.house.runtime.readers() as db:
        for table in TABLES:
            for one, other in ((table, f"kept_{table}"), (f"kept_{table}", table)):
                if await db.scalar(text(f"SELECT EXISTS (TABLE {one} EXCEPT ALL TABLE {other})")):
                    return True
    return False
