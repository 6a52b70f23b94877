"""How long it takes to build occupancy anew from a million events, and whether it equals the live state.

The events are written by SQL, the live state by SQL that is not the arithmetic of the rules: what a rebuild comes to is
compared with what everybody's last walk says.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from bench.report import Goal, line_of_json, table
from domain.kernel.caller import Caller
from domain.kernel.runtime import Runtime
from gatehouse.embedded.postgres import Postgres
from gatehouse.migrate import migrate
from gatehouse.parts import process_of
from gatehouse.settings import read

EVENTS = 1_000_000
PASSES = 50_000
GATES = 40
ROUNDS = 3
LIMIT_S = 10.0
ADMIN = Caller(roles=frozenset({"admin", "service"}))

GRANTS = """
INSERT INTO grants (site_id, key_id, zones, valid_from, valid_until, entries, kind, holder_name, unpaid, needs_escort,
                    escorts, opens, live_code, code_step, entered, taken)
SELECT $1, 1, 1, now() - interval '90 days', now() + interval '1 day', 'many', 'badge', 'A', false, false,
       false, false, false, 0, 0, 0
FROM generate_series(1, $2)
"""
# One in ten walks is of nobody we know. The others go in and out in turns, as far as gates have seen them.
WALKS = """
INSERT INTO access_log (received_at, site_id, gate_id, epoch, seq, at, clock, kind, source, historical, direction,
                        zone_id, admit, reason, grant_id, detail, canonical, previous_hash, hash)
SELECT at, $1, gate.id, '\\x0000000000000001', n, at, 'ok', 'passage', 'online', false,
       CASE WHEN n / $3 % 2 = 0 THEN 'in' ELSE 'out' END,
       CASE WHEN n / $3 % 2 = 0 THEN gate.to_zone_id END, true, 'ok',
       CASE WHEN n % 10 > 0 THEN first.id + n % $3 END, '{}', '\\x00', '\\x00', '\\x00'
FROM generate_series(1, $2) AS n,
     LATERAL (SELECT now() - interval '60 days' + n * interval '5 seconds' AS at) AS moment,
     (SELECT min(id) AS id FROM grants) AS first,
     LATERAL (SELECT id, to_zone_id FROM gates WHERE id = 1 + n * 7 % $4) AS gate
"""
LIVE = (
    """
    UPDATE grants SET entered = walks.entered, taken = walks.walks, inside_zone_id = last.zone_id,
                      moved_at = last.at, moved_by = last.id
    FROM (
        SELECT grant_id, count(*) AS walks, count(*) FILTER (WHERE direction = 'in') AS entered, max(id) AS last
        FROM access_log WHERE grant_id IS NOT NULL GROUP BY grant_id
    ) AS walks
    JOIN access_log AS last ON last.id = walks.last
    WHERE grants.id = walks.grant_id
    """,
    """
    UPDATE zones SET inside = (SELECT count(*) FROM grants WHERE inside_zone_id = zones.id) + (
        SELECT coalesce(sum(CASE direction WHEN 'in' THEN 1 ELSE -1 END), 0)
        FROM access_log JOIN gates ON gates.id = access_log.gate_id
        WHERE grant_id IS NULL AND gates.to_zone_id = zones.id
    )
    """,
)


async def run() -> None:
    """Measure and tell."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Postgres.start(folder, settings={"max_wal_size": "4GB"}) as server:
            await migrate(server.url)
            environment = {
                "ENVIRONMENT": "test",
                "DATABASE_URL": server.url,
                "GATEHOUSE_DATA": name,
                "JWT_SECRET_KEY": "a secret of benchmarks, long enough",
            }
            async with process_of(read(environment, folder / "no.env"), connections=2) as process:
                site_id = await _furnish(process.runtime)
                written_s = await _write(server.url.replace("+asyncpg", ""), site_id)
                rounds = [await _rebuild(process.runtime, site_id) for _ in range(ROUNDS)]
    _tell(written_s, rounds)


async def _furnish(runtime: Runtime) -> int:
    site_id = int((await runtime.call(ADMIN, "sites.create_site", {"name": "Arena"})).site_id)
    for number in range(GATES):
        zone: dict[str, Any] = {"siteId": site_id, "name": f"zone {number}"}
        if number < GATES // 4:
            zone_id = (await runtime.call(ADMIN, "access.create_zone", zone)).zone_id
        gate = {"siteId": site_id, "name": f"gate {number}", "toZoneId": zone_id}
        await runtime.call(ADMIN, "access.create_gate", gate)
    return site_id


async def _write(url: str, site_id: int) -> float:
    connection = await asyncpg.connect(url)
    began = time.monotonic()
    try:
        await connection.execute("INSERT INTO pass_keys VALUES (1, '\\x00', now()) ON CONFLICT DO NOTHING")
        await connection.execute("SELECT open_access_days((now() - interval '60 days')::date, 62)")
        await connection.execute(GRANTS, site_id, PASSES)
        await connection.execute(WALKS, site_id, EVENTS, PASSES, GATES, timeout=300)
        for statement in LIVE:
            await connection.execute(statement, timeout=300)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return time.monotonic() - began


async def _rebuild(runtime: Runtime, site_id: int) -> tuple[float, float, Any]:
    began, spent = time.monotonic(), time.process_time()
    compared = await runtime.call(ADMIN, "access.rebuild_occupancy", {"siteId": site_id})
    return time.monotonic() - began, time.process_time() - spent, compared


def _tell(written_s: float, rounds: list[tuple[float, float, Any]]) -> None:
    took = sorted(seconds for seconds, _, _ in rounds)
    compared = rounds[0][2]
    rows = [
        ["events", f"{compared.events:,}"],
        ["passes", f"{compared.passes:,}"],
        ["written by SQL in, s", f"{written_s:.0f}"],
        ["rebuilt and compared in, s (best, median, worst)", " / ".join(f"{one:.1f}" for one in took)],
        ["CPU of that in our process, s (best)", f"{min(spent for _, spent, _ in rounds):.1f}"],
        ["differences from the live state", f"{compared.differences}"],
    ]
    print(table(["occupancy", "value"], rows))
    goals = {
        "rebuild_s": Goal(took[len(took) // 2], LIMIT_S, "a million events folded, median, s"),
        "differences": Goal(compared.differences, 0, "passes and zones that differ from the live state"),
    }
    for key, goal in goals.items():
        print(goal.words(key))
    print(line_of_json("occupancy", goals))
