"""The command line tells what it can do, and in one line what an operator can mend.

Proves: gatehouse/cli.py, gatehouse/commands.py, gatehouse/listening.py, gatehouse/simulating.py
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse.embedded.address import free_port

COMMANDS = (
    "up", "serve", "ingest", "decide", "work", "mailbox", "migrate", "create-admin", "broker-accounts", "settings",
)  # fmt: skip
AWAY = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}


def gatehouse(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_DATA": str(folder),
        "COLUMNS": "200",
        "TERM": "dumb",
        **environ,
    }
    program = [sys.executable, "-c", "from gatehouse.cli import main; main()", *arguments]
    return subprocess.run(
        program, cwd=folder, env=given, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = gatehouse(tmp_path, "--help").stdout
    assert [name for name in COMMANDS if f" {name} " not in shown] == []
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (("serve",), {}, "DATABASE_URL must be set here"),
        (("serve",), {"PORT": "abc"}, "PORT must be a whole number from 1 to 65535; 'abc' is not"),
        (
            ("serve",),
            {"ENVIRONMENT": "production", "JWT_SECRET_KEY": "your-secret-key"},
            "JWT_SECRET_KEY is a sample",
        ),
        (("ingest",), {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "MQTT_URL must be set here"),
        (("migrate",), {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "a server it needs does not answer"),
        (
            ("migrate",),
            {"DATABASE_URL": "postgresql://x@no.such.host.invalid/x"},
            "a server it needs does not answer",
        ),
        (
            ("migrate",),
            {"DATABASE_URL": "postgresql://x@y:0/x"},
            "DATABASE_URL must be an address whose port",
        ),
        (
            ("export-roots", "--site", "1", "--out", "missing/roots"),
            AWAY,
            "missing/roots cannot be written: No such file or directory",
        ),
        (("verify-log", "--gate", "1", "--roots", os.devnull), AWAY, "give one or the other"),
        (
            ("simulate", "site", "--gates", "1", "--out", "x", "--broker", "broker:1883"),
            AWAY,
            "the address of the broker must begin with mqtt:// or mqtts://",
        ),
        (
            ("simulate", "site", "--gates", "1", "--out", os.devnull),
            AWAY,
            f"nothing can be written into {os.devnull}",
        ),
        (("simulate", "scan", "--gate", "1", "--token", "x"), {}, "there are no turnstiles in"),
    ],
)
def test_what_can_be_mended_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    ended = gatehouse(tmp_path, *arguments, **environ)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("gatehouse: ")
    assert said in line


def test_what_the_house_refuses_is_told_in_one_line(tmp_path: Path, database: str) -> None:
    asked = ("simulate", "site", "--gates", "1", "--out", "stadium", "--name", "x" * 201)
    ended = gatehouse(tmp_path, *asked, DATABASE_URL=database)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "name" in line


def test_a_file_that_could_not_be_finished_is_not_left_behind(tmp_path: Path) -> None:
    ended = gatehouse(tmp_path, "export-roots", "--site", "1", "--out", "roots", **AWAY)
    assert ended.returncode == 2
    assert "does not answer" in ended.stderr
    assert list(tmp_path.glob("roots*")) == []


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = gatehouse(tmp_path, "mailbox", PORT=port, SMTP_PORT=str(free_port()))
        assert ended.returncode == 2
        assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
