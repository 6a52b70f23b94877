"""A hub in a process of its own: `python -m tests.chaos.hub --port N --redis URL [--drop EVERY] [--without SAFEGUARD]`.

`--drop` loses every so manieth delivery without a word, as no broker should. `--without` switches off what is there
against losing anything: `missed` (being told that deliveries may have been lost), `gaps` (comparing each publication
with the one before), `recovery` (handing over what was missed).
"""

import argparse
import itertools

import uvloop

from channels import recovery
from channels.recovery import Verdict
from channels.redis import RedisBroker
from channels.redis.follower import RedisFollower
from channels.stream import History, Position, Publication

PROFILE = {
    "insecure": True,
    "default": {"history_size": 5000, "history_ttl_s": 300, "force_recovery": True},
}


def no_missed(follower: RedisFollower, subscriber: object) -> None:
    """Say nothing."""


def no_gaps(position: Position, publication: Publication) -> Verdict:
    """Let everything pass that is new."""
    return Verdict.SKIP if 0 < publication.offset <= position.offset else Verdict.SEND


def no_recovery(history: History, since: Position) -> tuple[Publication, ...]:
    """Claim that nothing was missed."""
    return ()


def drop(every: int) -> None:
    """Lose deliveries in silence."""
    deliver, numbers = RedisFollower.delivered, itertools.count(1)

    def delivered(self: RedisFollower, *delivery: object) -> None:
        if next(numbers) % every:
            deliver(self, *delivery)  # type: ignore[arg-type]

    RedisFollower.delivered = delivered  # type: ignore[method-assign,assignment]


def switch_off(safeguard: str | None) -> None:
    """Replace it before anybody else has taken hold of it."""
    match safeguard:
        case "missed":
            RedisFollower.interrupted = no_missed  # type: ignore[method-assign,assignment]
        case "gaps":
            recovery.judge = no_gaps
        case "recovery":
            recovery.recovered = no_recovery


def main() -> None:
    """Read the line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.hub", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--drop", type=int, default=0)
    parser.add_argument("--without", choices=("missed", "gaps", "recovery"))
    given = parser.parse_args()
    switch_off(given.without)
    if given.drop:
        drop(given.drop)
    uvloop.run(serve(given.port, given.redis))


async def serve(port: int, redis: str) -> None:
    """Serve until told to stop."""
    # Only now, so that what was switched off is.
    from gatehouse import roles
    from gatehouse.listening import listening
    from gatehouse.told import until_told
    from tests.sdk_profile.hub import hub_of

    broker = RedisBroker(redis)
    app, realtime = hub_of(broker, PROFILE)
    try:
        with listening("127.0.0.1", port) as listener:
            await until_told(roles.serve(app, listener, door=realtime.door, drain=app.state.drain))
    finally:
        await broker.close()


if __name__ == "__main__":
    main()
