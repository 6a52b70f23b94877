"""A private cluster of Redis: three masters, and a replica of the first, for tests that move slots and kill masters."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gatehouse.embedded.address import free_port
from tests.redis_server import redis_binary
from tests.services.needs import missing

SLOTS: Final = 16_384
NODE_TIMEOUT_MS: Final = 1000


class Node:
    """One member."""

    def __init__(self, binary: str, directory: Path) -> None:
        self.port, self.bus_port = free_port(), free_port()
        self.directory = directory / str(self.port)
        self.directory.mkdir()
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> str:
        return self.command("cluster", "myid")

    def start(self) -> None:
        options = {
            "--port": self.port,
            "--bind": "127.0.0.1",
            "--cluster-enabled": "yes",
            "--cluster-port": self.bus_port,
            "--cluster-node-timeout": NODE_TIMEOUT_MS,
            "--repl-diskless-sync-delay": 0,
            "--repl-ping-replica-period": 1,
            "--save": "",
            "--appendonly": "no",
            "--dir": self.directory,
        }
        self._process = subprocess.Popen(
            [self._binary, *(str(word) for pair in options.items() for word in pair)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self.command("ping") == "PONG")

    def command(self, *words: str | int) -> str:
        """Run one command from outside, as an operator would."""
        client = shutil.which("redis-cli") or "redis-cli"
        done = subprocess.run(
            [client, "-p", str(self.port), *map(str, words)], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def commands(self, *lines: str) -> str:
        """Run several, with nothing in between."""
        client = shutil.which("redis-cli") or "redis-cli"
        said = "\n".join(("multi", *lines, "exec"))
        done = subprocess.run(
            [client, "-p", str(self.port)], input=said, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class RedisCluster:
    """Three masters and the replica of the first."""

    def __init__(self) -> None:
        binary = redis_binary() or missing("needs Redis: apt-get install redis-server")
        self.directory = Path(tempfile.mkdtemp(prefix="gh-cluster-"))
        self.masters = [Node(binary, self.directory) for _ in range(3)]
        self.replica = Node(binary, self.directory)

    @property
    def nodes(self) -> list[Node]:
        return [*self.masters, self.replica]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.masters[0].port},127.0.0.1:{self.masters[1].port}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        for node in self.nodes[1:]:
            self.masters[0].command("cluster", "meet", "127.0.0.1", node.port, node.bus_port)
        for place, node in enumerate(self.masters):
            first, last = SLOTS * place // 3, SLOTS * (place + 1) // 3 - 1
            node.command("cluster", "addslotsrange", first, last)
        until(lambda: all("cluster_known_nodes:4" in n.command("cluster", "info") for n in self.nodes))
        until(lambda: self.replica.command("cluster", "replicate", self.masters[0].id) == "OK")
        until(lambda: "master_link_status:up" in self.replica.command("info", "replication"))
        until(lambda: all("cluster_state:ok" in n.command("cluster", "info") for n in self.nodes))
        until(lambda: all(self._knows_replica(node) for node in self.nodes))

    def _knows_replica(self, node: Node) -> bool:
        return self.replica.id in node.command("cluster", "slots")

    def owner(self, slot: int) -> Node:
        """Who has a slot, as the second master sees it."""
        for line in self.masters[1].command("cluster", "nodes").splitlines():
            words = line.split()
            ranges = [tuple(map(int, w.split("-"))) for w in words[8:] if not w.startswith("[")]
            if "master" in words[2] and any(r[0] <= slot <= r[-1] for r in ranges):
                return next(node for node in self.nodes if node.id == words[0])
        raise LookupError(slot)

    def move(self, slot: int, target: Node) -> None:
        """Give a slot with all its keys to another master, as resharding does."""
        source = self.owner(slot)
        target.command("cluster", "setslot", slot, "importing", source.id)
        source.command("cluster", "setslot", slot, "migrating", target.id)
        while keys := source.command("cluster", "getkeysinslot", slot, 100).splitlines():
            source.command("migrate", "127.0.0.1", target.port, "", 0, 5000, "keys", *keys)
        for node in (target, source, *(n for n in self.masters if n not in (target, source))):
            node.command("cluster", "setslot", slot, "node", target.id)

    def flush(self) -> None:
        for node in self.masters:
            node.command("flushall")

    def remove(self) -> None:
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def until(check: Callable[[], bool], timeout_s: float = 20) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError("the cluster does not come about")
        time.sleep(0.02)
