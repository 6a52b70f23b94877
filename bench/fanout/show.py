"""How the benchmark `fanout` is told: its tables, and its goals in words and as JSON."""

from collections.abc import Sequence
from math import inf
from statistics import median

from bench.fanout.growth import Growth
from bench.fanout.measured import BEST_PEER, BURST, FLOOR, OURS, OURS_PLAIN, Measured
from bench.fanout.storm import Storm
from bench.report import Goal, line_of_json, table


def show(measured: Measured) -> None:
    """Print everything."""
    print(_deliveries(measured))
    print(_connections(measured))
    print("\n".join(measured.absent) + "\n" if measured.absent else "", end="")
    goals = _goals(measured)
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("fanout", goals))


def _deliveries(measured: Measured) -> str:
    floor = measured.delivery_us(FLOOR, 1)
    rows: list[Sequence[str]] = []
    for one in sorted(measured.subjects, key=lambda one: measured.delivery_us(one.name, 1)):
        single, joined = (measured.delivery_us(one.name, burst) for burst in (1, BURST))
        rows.append(
            (
                one.name,
                f"{single:.2f}",
                f"{single / floor:.2f}",
                f"{joined:.2f}",
                f"{joined / floor:.2f}",
                f"{one.idle_bytes:,.0f}",
                f"{one.join_us:,.0f}",
            )
        )
    return table(
        (
            "CPU µs per delivery",
            "one message",
            "× floor",
            f"burst of {BURST}",
            "× floor",
            "idle bytes",
            "CPU µs to join",
        ),
        rows,
    )


def _connections(measured: Measured) -> str:
    joined = measured.joined(OURS)
    return table(
        ("hub", "value"),
        [
            ("CPU of the upgrade alone", f"{measured.handshake_us:,.0f} µs"),
            ("CPU of upgrade, token (HS256) and three subscriptions", f"{joined.join_us:,.0f} µs"),
            ("the same with one channel of one's own", f"{measured.own_join_us:,.0f} µs"),
            (
                "the same of our own people, who are looked up in the database",
                f"{measured.people_us:,.0f} µs",
            ),
            ("memory of an idle connection", f"{joined.idle_bytes:,.0f} bytes"),
            ("the same with one channel of one's own", f"{measured.own_idle_bytes:,.0f} bytes"),
            *(_storm(measured.storm) if measured.storm else ()),
            *(_through_redis(*_echo(measured)) if measured.echo else ()),
        ],
    )


def _storm(storm: Storm) -> list[tuple[str, str]]:
    return [
        (f"of {storm.clients:,} clients back after kill -9 and a restart", f"{storm.told.ready:,}"),
        ("of their attempts refused", f"{storm.told.refused:,}"),
        ("half of them back after", f"{storm.told.wait_p50_ms / 1000:.1f} s"),
        ("slowest of them back after", f"{storm.slowest_s:.1f} s"),
        ("CPU of the new hub per client", f"{storm.cpu_us:,.0f} µs"),
    ]


def _through_redis(raw: tuple[float, float], ours: tuple[float, float]) -> list[tuple[str, str]]:
    return [
        ("Redis alone, PUBLISH to SUBSCRIBE, p50 / p99", f"{raw[0]:.0f} / {raw[1]:.0f} µs"),
        ("through Redis to another hub's client, p50 / p99", f"{ours[0]:.0f} / {ours[1]:.0f} µs"),
    ]


def _echo(measured: Measured) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return p50 and p99 of Redis alone and of ours, medians of the rounds."""
    raw, ours = (
        (median(one[way][0] for one in measured.echo), median(one[way][1] for one in measured.echo))
        for way in (0, 1)
    )
    return raw, ours


def _goals(measured: Measured) -> dict[str, Goal]:
    return {**_delivery_goals(measured), **_connection_goals(measured), **_way_goals(measured)}


def _delivery_goals(measured: Measured) -> dict[str, Goal]:
    floor = measured.delivery_us(FLOOR, 1)
    goals: dict[str, Goal] = {}
    for suffix, name, single, joined in (("", OURS, 0.8, 0.15), (" plain", OURS_PLAIN, 1.2, 0.2)):
        how = "without io_uring" if suffix else "with io_uring"
        cost = measured.delivery_us(name, 1)
        goals[f"P1{suffix}"] = Goal(cost / floor, single, f"CPU of a delivery over the floor's, {how}")
        if measured.has(BEST_PEER):
            best = measured.delivery_us(BEST_PEER, 1)
            goals[f"P1{suffix} peer"] = Goal(cost / best, 1, f"the same over {BEST_PEER}'s")
        goals[f"P2{suffix}"] = Goal(
            measured.delivery_us(name, BURST) / floor,
            joined,
            f"CPU of a delivery in a burst over the floor's of one message, {how}",
        )
    return goals


def _connection_goals(measured: Measured) -> dict[str, Goal]:
    joined, storm = measured.joined(OURS), measured.storm
    return {
        "P3": Goal(
            joined.idle_bytes, 3 * 1024, "bytes of an idle connection with a token and three subscriptions"
        ),
        "P4 upgrade": Goal(measured.handshake_us, 120, "µs of CPU of an upgrade"),
        "P4 connect": Goal(joined.join_us, 350, "µs of CPU of upgrade, token and three subscriptions"),
        "P4 refused": Goal(
            storm.told.refused if storm else inf, 0, "attempts refused while all clients return at once"
        ),
        "P4 slowest": Goal(storm.slowest_s if storm else inf, 10, "seconds until the last of them is back"),
    }


def _way_goals(measured: Measured) -> dict[str, Goal]:
    raw, ours = _echo(measured) if measured.echo else ((1.0, 1.0), (inf, inf))
    return {
        "P5": Goal(ours[1] / raw[1], 3, "p99 through Redis to another hub's client over Redis's own echo"),
    }


def show_growth(growth: Growth) -> None:
    """Print what connections weigh and deliveries cost as they grow in number."""
    most = max(growth.delivery_us)
    rows = [
        (
            f"{size:,}" + (f" at {growth.hubs} hubs" if size == most and growth.hubs > 1 else ""),
            f"{growth.memory_bytes[size] / 2**20:,.0f} MiB",
            f"{cost:.2f}",
            f"{growth.floor_us[size]:.2f}",
        )
        for size, cost in growth.delivery_us.items()
    ]
    none = ("0", f"{growth.memory_bytes[0] / 2**20:,.0f} MiB", "", "")
    print(table(("connections", "memory of all hubs", "CPU µs per delivery", "of the floor"), [none, *rows]))
    costs = growth.delivery_us.values()
    goals = {
        "P3": Goal(growth.idle_bytes, 3 * 1024, f"bytes of an idle connection, of {most:,}"),
        "P9": Goal(
            max(costs) / min(costs), 1.5, f"dearest over cheapest delivery, 100 to {most:,} subscribers"
        ),
    }
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("idle", goals))
