"""How the benchmark `fanout` is told: its tables, and its goals in words and as JSON."""

from collections.abc import Sequence
from statistics import median

from bench.fanout.measured import BEST_PEER, BURST, FLOOR, OURS, OURS_PLAIN, Measured
from bench.report import Goal, line_of_json, table


def show(measured: Measured) -> None:
    """Print everything."""
    print(_deliveries(measured))
    print(_connections(measured))
    print(_growth(measured))
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
    storm, raw, ours = measured.storm, *_echo(measured)
    assert storm is not None
    return table(
        ("hub", "value"),
        [
            ("CPU of the upgrade alone", f"{measured.handshake_us:,.0f} µs"),
            ("CPU of upgrade, token and three subscriptions", f"{measured.joined(OURS).join_us:,.0f} µs"),
            (f"clients back after kill -9 and a restart, of {storm.ready:,}", f"{storm.ready:,}"),
            ("of their attempts refused", str(storm.refused)),
            ("slowest of them back after", f"{storm.wait_longest_ms / 1000:.1f} s"),
            ("CPU of the new hub per client", f"{measured.storm_us:,.0f} µs"),
            ("Redis alone, PUBLISH to SUBSCRIBE, p50 / p99", f"{raw[0]:.0f} / {raw[1]:.0f} µs"),
            ("through Redis to another hub's client, p50 / p99", f"{ours[0]:.0f} / {ours[1]:.0f} µs"),
        ],
    )


def _growth(measured: Measured) -> str:
    most = max(measured.growth_us)
    rows = [
        (f"{size:,}" + (f" at {measured.growth_hubs} hubs" if size == most else ""), f"{cost:.2f}")
        for size, cost in measured.growth_us.items()
    ]
    return table(("subscribers", "CPU µs per delivery"), rows)


def _echo(measured: Measured) -> list[tuple[float, float]]:
    """Return p50 and p99 of Redis alone and of ours, medians of the rounds."""
    return [
        (median(one[way][0] for one in measured.echo), median(one[way][1] for one in measured.echo))
        for way in (0, 1)
    ]


def _goals(measured: Measured) -> dict[str, Goal]:
    floor, storm = measured.delivery_us(FLOOR, 1), measured.storm
    raw, ours = _echo(measured)
    costs = measured.growth_us.values()
    joined = measured.joined(OURS)
    assert storm is not None
    goals = {
        "P1": Goal(
            measured.delivery_us(OURS, 1) / floor, 0.8, "one message over the floor's send(), with io_uring"
        ),
        "P1 plain": Goal(measured.delivery_us(OURS_PLAIN, 1) / floor, 1.2, "the same without io_uring"),
        "P2": Goal(
            measured.delivery_us(OURS, BURST) / floor,
            0.15,
            "a message of a burst over the floor, with io_uring",
        ),
        "P2 plain": Goal(measured.delivery_us(OURS_PLAIN, BURST) / floor, 0.2, "the same without io_uring"),
        "P3": Goal(
            joined.idle_bytes, 3 * 1024, "bytes of an idle connection with a token and three subscriptions"
        ),
        "P4 upgrade": Goal(measured.handshake_us, 120, "µs of CPU of an upgrade"),
        "P4 connect": Goal(joined.join_us, 350, "µs of CPU of upgrade, token and three subscriptions"),
        "P4 refused": Goal(storm.refused, 0, "attempts refused while all clients return after a restart"),
        "P4 slowest": Goal(storm.wait_longest_ms / 1000, 10, "seconds until the last of them is back"),
        "P5": Goal(
            ours[1] / raw[1],
            3,
            "p99 through Redis to another hub's client over Redis's own PUBLISH to SUBSCRIBE",
        ),
        "P9": Goal(max(costs) / min(costs), 1.5, "dearest over cheapest delivery, 100 to 50,000 subscribers"),
    }
    if measured.has(BEST_PEER):
        best = {burst: measured.delivery_us(BEST_PEER, burst) for burst in (1, BURST)}
        goals["P1 peer"] = Goal(measured.delivery_us(OURS, 1) / best[1], 1, f"one message over {BEST_PEER}'s")
        goals["P1 plain peer"] = Goal(
            measured.delivery_us(OURS_PLAIN, 1) / best[1], 1, "the same without io_uring"
        )
    return goals
