"""The programs of the images, as they are on this machine, and what the images' entrypoints do before them."""

import os
import re
import shutil
import sys
from pathlib import Path

from gatehouse.embedded import installation, privileges
from gatehouse.embedded.broker import dynamic_security_plugin, mosquitto_program
from gatehouse.embedded.child import Command, run
from gatehouse.embedded.redis import find_program
from tests.services.needs import missing, program

ROOT = Path(__file__).parents[2]
GATEHOUSE = (sys.executable, "-c", "from gatehouse.cli import main; main()")
PLUGIN_IN_IMAGE = "/usr/lib/mosquitto_dynamic_security.so"
# What the small programs of the images ask, for machines that lack them.
ASK_TCP = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
ASK_HTTP = "import sys; from urllib.request import urlopen; urlopen(sys.argv[1], timeout=3)"
CLIENTS = {"nc", "redis-cli", "pg_isready"}


def need_all() -> None:
    """End the test here when a program of the file is missing."""
    program("haproxy", get="apt-get install haproxy")
    if find_program() is None:
        missing("needs redis-server: apt-get install redis-server")
    if mosquitto_program() is None or dynamic_security_plugin() is None:
        missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")


def argv_of(
    name: str, arguments: list[str], address: str, folder: Path, data: Path | None
) -> tuple[str, ...]:
    """Return the command line here of a program of an image; ``data`` is where the database's volume is."""
    match name:
        case "gatehouse":
            return (*GATEHOUSE, *arguments)
        case "python":
            return (sys.executable, *arguments)
        case "haproxy":
            return (program("haproxy", get="apt-get install haproxy"), *arguments)
        case "mosquitto":
            return (str(mosquitto_program()), *arguments)
        case "redis-server":
            return (str(find_program()), *arguments, "--bind", address, "--dir", str(folder))
        case "postgres":
            assert data is not None
            started = (str(installation.choose(data).bin / "postgres"), "-D", str(data), "-k", str(folder))
            prefix = privileges.choose(data).prefix
            return (*prefix, *started, f"--listen_addresses={address}", *arguments)
    raise AssertionError(f"no image of the file has {name}")


def asking(test: list[str]) -> tuple[str, ...]:
    """Return a health check's command line, as it is or, for a program that may be missing here, what it asks."""
    name, *arguments = test
    if name == "python":
        return (sys.executable, *arguments)
    if name == "wget":
        return (sys.executable, "-c", ASK_HTTP, arguments[-1])
    if name in CLIENTS and (name == "nc" or shutil.which(name) is None):
        joined = " ".join(arguments)
        address, port = re.search(r"127\.[\d.]+", joined), re.search(r"(?<![\d.])\d{4,5}(?![\d.])", joined)
        assert address is not None and port is not None
        return (sys.executable, "-c", ASK_TCP, address[0], port[0])
    return tuple(test)


async def make_cluster(data: Path, environment: dict[str, str], log: Path) -> None:
    """Do what the entrypoint of PostgreSQL's image does with an empty volume."""
    if (data / "PG_VERSION").exists():
        return
    binaries, runs_as = installation.choose(data).bin, privileges.choose(data)
    user, password = environment["POSTGRES_USER"], data.parent / "password"
    password.write_text(environment["POSTGRES_PASSWORD"])
    options = environment["POSTGRES_INITDB_ARGS"].split()
    accounts = (
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        f"--pwfile={password}",
        f"--username={user}",
    )
    await _run(
        (*runs_as.prefix, str(binaries / "initdb"), "-D", str(data), *options, *accounts), runs_as, log
    )
    script = f'echo \'CREATE DATABASE "{environment["POSTGRES_DB"]}"\' | "$0" --single -D "$1" postgres'
    shell = ("/bin/sh", "-c", script, str(binaries / "postgres"), str(data))
    await _run((*runs_as.prefix, *shell), runs_as, log)
    password.unlink()


async def _run(argv: tuple[str, ...], runs_as: privileges.Privileges, log: Path) -> None:
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    await run(Command(argv=argv, log=log, env=environment, user=runs_as.user, group=runs_as.group), 60)
