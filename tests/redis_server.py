"""A private redis-server on a unix socket, for tests that may kill and empty it."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.services.needs import missing


class RedisServer:
    """One server process and its directory; nothing is written to disk, so a restart is empty."""

    def __init__(self) -> None:
        self._binary = redis_binary() or missing("needs Redis: apt-get install redis-server")
        # A socket's path may not be longer than about 100 characters, which pytest's own directories can be.
        self.directory = Path(tempfile.mkdtemp(prefix="gh-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/redis.sock"

    def start(self) -> None:
        arguments = [
            "--port",
            "0",
            "--unixsocket",
            str(self.directory / "redis.sock"),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(
            [self._binary, *arguments, "--dir", str(self.directory)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self.command("ping") != "PONG":
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("redis-server does not answer")

    def command(self, *words: str) -> str:
        """Run one command from outside, as an operator would."""
        client = shutil.which("redis-cli") or "redis-cli"
        done = subprocess.run(
            [client, "-s", str(self.directory / "redis.sock"), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def flush(self) -> None:
        """Empty it."""
        self.command("flushall")

    def signal(self, number: int) -> None:
        """Stop it for a while, or have it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def redis_binary() -> str | None:
    """Find a server: Redis itself, or Valkey where a package brought it."""
    return shutil.which("redis-server") or shutil.which("valkey-server")
