"""The servers the hub is measured beside, each as its documentation writes it, fetched into a folder of the bench."""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.fanout.server import Recipe
from bench.fanout.tools import BENCH, CACHE, Missing, environment, output_of, program

PEERS = BENCH / "peers"
SOCKETIO = "/socket.io/?EIO=4&transport=websocket"
NGINX_STATE = Path("/var/lib/nginx")


@dataclass(frozen=True)
class Peer:
    """One kind of server; ``prepare`` fetches what it needs and returns how to start it, or raises `Missing`."""

    name: str
    prepare: Callable[[], Awaitable[Recipe]]


async def floor() -> Recipe:
    """Return how to start the floor."""
    return Recipe(argv=(str(await program("floor")), "{port}"), env=environment())


async def _joined_floor() -> Recipe:
    return Recipe(argv=(str(await program("floor")), "{port}", "joined"), env=environment())


async def _bun() -> Recipe:
    bun = await _node_modules() / ".bin" / "bun"
    return Recipe(argv=(str(bun), str(PEERS / "bun_server.js"), "{port}"), env=environment())


async def _ws() -> Recipe:
    return await _node("ws_server.js")


async def _socketio() -> Recipe:
    recipe = await _node("socketio_server.js")
    return replace(recipe, manner="socketio", path=SOCKETIO, publish_path=SOCKETIO)


async def _node(file: str) -> Recipe:
    modules = await _node_modules()
    node = shutil.which("node")
    if node is None:
        raise Missing("no Node: apt-get install nodejs")
    return Recipe(argv=(node, str(PEERS / file), "{port}"), env=environment(NODE_PATH=str(modules)))


async def _node_modules() -> Path:
    folder = CACHE / "node"
    wanted = (PEERS / "package.json").read_text()
    done = folder / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("no npm: apt-get install npm")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(wanted)
        await output_of(npm, "install", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
        done.write_text(wanted)
    return folder / "node_modules"


def _python(file: str, *more: str) -> Callable[[], Awaitable[Recipe]]:
    async def prepare() -> Recipe:
        python = await _packages()
        return Recipe(argv=(str(python), str(PEERS / file), "{port}", *more), env=environment())

    return prepare


async def _packages() -> Path:
    folder = CACHE / "venv"
    wanted = (PEERS / "requirements.txt").read_text()
    done = folder / "installed.txt"
    python = folder / "bin" / "python"
    if not done.exists() or done.read_text() != wanted:
        await output_of(sys.executable, "-m", "venv", "--clear", folder)
        await output_of(python, "-m", "pip", "install", "--quiet", "-r", PEERS / "requirements.txt")
        done.write_text(wanted)
    return python


async def _nchan() -> Recipe:
    nginx, module = await _nginx()
    folder = CACHE / "nchan"
    folder.mkdir(parents=True, exist_ok=True)
    text = (PEERS / "nchan.conf").read_text()
    for word, value in {"FOLDER": str(folder), "MODULE": str(module)}.items():
        text = text.replace(word, value)
    (folder / "template.conf").write_text(text)
    # The port is known when it starts; and nchan makes folders below Debian's, which an unpacked nginx has not.
    start = f'sed s/PORT/{{port}}/ {folder}/template.conf >{folder}/nginx.conf && exec "$0" -c {folder}/nginx.conf'
    argv: tuple[str, ...] = ("sh", "-c", f"{start} -e {folder}/error.log", str(nginx))
    if not NGINX_STATE.exists():
        inside = f"mount -t tmpfs none {NGINX_STATE.parent} && mkdir {NGINX_STATE} && {start}"
        argv = ("unshare", "--mount", "sh", "-c", f"{inside} -e {folder}/error.log", str(nginx))
    return Recipe(argv=argv, env=environment())


async def _nginx() -> tuple[Path, Path]:
    """Return Debian's nginx and its nchan module: those of the machine, or else unpacked from their packages."""
    for root in (Path("/"), CACHE / "debian"):
        nginx, module = root / "usr/sbin/nginx", root / "usr/lib/nginx/modules/ngx_nchan_module.so"
        if nginx.exists() and module.exists():
            return nginx, module
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Missing("nginx with nchan: apt-get install libnginx-mod-nchan nginx")
    folder = CACHE / "debian"
    folder.mkdir(parents=True, exist_ok=True)
    await output_of("apt-get", "download", "-qq", "nginx", "libnginx-mod-nchan", cwd=folder)
    for package in folder.glob("*.deb"):
        await output_of("dpkg", "-x", package, folder)
    return folder / "usr/sbin/nginx", folder / "usr/lib/nginx/modules/ngx_nchan_module.so"


def peers(redis_url: str) -> list[Peer]:
    """Return all of them, the floors first."""
    return [
        Peer("C send()", floor),
        Peer("C joined", _joined_floor),
        Peer("Bun", _bun),
        Peer("socketify", _python("socketify_server.py")),
        Peer("nchan", _nchan),
        Peer("ws", _ws),
        Peer("websockets", _python("websockets_server.py")),
        Peer("Socket.IO", _socketio),
        Peer("Starlette, naive", _python("naive_server.py")),
        Peer("Channels, Daphne", _python("channels_server.py", redis_url)),
    ]
