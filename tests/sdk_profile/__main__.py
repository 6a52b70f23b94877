"""Serve a hub for the test suites of client SDKs, without a database, until it is told to stop.

python -m tests.sdk_profile [--port 8000] [--redis URL] [--python | --javascript]
"""

import argparse

import uvloop

from channels.broker import Broker
from channels.memory import MemoryBroker
from channels.redis import RedisBroker
from gatehouse import roles
from gatehouse.listening import listening
from gatehouse.told import until_told
from tests.sdk_profile.hub import hub_of
from tests.sdk_profile.profiles import JAVASCRIPT, PYTHON


def main() -> None:
    """Read the line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.sdk_profile", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--redis", metavar="URL", help="share a Redis with other hubs")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--javascript", dest="profile", action="store_const", const=JAVASCRIPT)
    which.add_argument("--python", dest="profile", action="store_const", const=PYTHON)
    parser.set_defaults(profile=JAVASCRIPT)
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.redis, given.profile))


async def serve(port: int, redis: str | None, profile: object) -> None:
    """Serve one hub."""
    broker: Broker = RedisBroker(redis) if redis else MemoryBroker()
    app, realtime = hub_of(broker, profile)
    try:
        with listening("127.0.0.1", port) as listener:
            print(f"serving at http://127.0.0.1:{port}", flush=True)
            await until_told(roles.serve(app, listener, door=realtime.door, drain=app.state.drain))
    finally:
        await broker.close()


if __name__ == "__main__":
    main()
