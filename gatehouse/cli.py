"""The command line: `gatehouse --help`."""

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gatehouse.settings import Settings, as_markdown, load

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The realtime backend for places people come to: gates, guests, and screens that see them.",
)
simulate = typer.Typer(no_args_is_help=True, help="Turnstiles that see only the wire.")
app.add_typer(simulate, name="simulate")


def main() -> None:
    """Run the command line; what an operator can mend is told in one line, not as a traceback."""
    try:
        app()
    except Exception as problem:
        from gatehouse.mendable import in_words

        words = in_words(problem)
        if words is None:
            raise
        print(f"gatehouse: {words}", file=sys.stderr)
        sys.exit(2)
    finally:
        # The interpreter's last look for cycles takes seconds on a busy machine, and somebody waits at the terminal.
        gc.freeze()


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Fill an empty house with a demo place and turnstiles.")] = True,
) -> None:
    """Run everything here, with a database and a broker of its own: the quickest way to see it work."""
    from gatehouse.up import up as run_up

    _run(lambda settings: run_up(settings, demo=demo), log=Path("log") / "gatehouse.log")


@app.command()
def serve() -> None:
    """Run one hub: HTTP and WebSocket. Any number of them share a Redis."""
    from gatehouse.commands import serve as run_serve

    _run(run_serve)


@app.command()
def ingest() -> None:
    """Take gates' reports into the log: one process works, others stand by."""
    from gatehouse.commands import ingest as run_ingest

    _run(run_ingest)


@app.command()
def decide() -> None:
    """Answer gates' scans: one process works, others stand by."""
    from gatehouse.commands import decide as run_decide

    _run(run_decide)


@app.command()
def work() -> None:
    """Do what is left for later: letters, accounts at the broker, facts to number. Any number of them."""
    from gatehouse.commands import work as run_work

    _run(run_work)


@app.command()
def mailbox() -> None:
    """Catch letters and show them, for places without a mail server (SMTP_PORT and PORT choose where)."""
    from gatehouse.commands import mailbox as run_mailbox

    _run(run_mailbox)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from gatehouse.commands import migrate as run_migrate

    _run(run_migrate)


@app.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Option(prompt=True, help="The address to sign in with.")],
    username: Annotated[
        str, typer.Option(help="How to be called; the part of the address before the @.")
    ] = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, help="Asked for when not given.")
    ] = "",
) -> None:
    """Open the account of somebody who may do everything."""
    from gatehouse.commands import create_admin as run_create_admin

    _run(lambda settings: run_create_admin(settings, email, username or email.partition("@")[0], password))


@app.command("verify-log")
def verify_log(
    gate: Annotated[
        list[int] | None, typer.Option(help="Only the journals of these gates; everything when not given.")
    ] = None,
    roots: Annotated[
        Path | None, typer.Option(help="Roots that were exported before: finds a history that was rewritten.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes read.")] = os.cpu_count() or 1,
) -> None:
    """Prove that the access log is what the gates wrote; ends with 1 where an event was edited, dropped or moved."""
    from gatehouse.verifying import verify_log as run_verify_log

    _run(lambda settings: run_verify_log(settings, gate or [], roots=roots, jobs=jobs))


@app.command("export-roots")
def export_roots(
    site: Annotated[int, typer.Option(help="The site's id.")],
    out: Annotated[Path, typer.Option(help="The file to write, lines of JSON.")],
) -> None:
    """Write the signed roots of a site's log into a file, to be kept elsewhere; docs/evidence.md tells what for."""
    from gatehouse.exporting import export_roots as run_export_roots

    _run(lambda settings: run_export_roots(settings, site, out))


@app.command("rebuild-occupancy")
def rebuild_occupancy(
    site: Annotated[list[int] | None, typer.Option(help="Only these sites; all when not given.")] = None,
    write: Annotated[bool, typer.Option(help="Put right what is not as the log says.")] = False,
) -> None:
    """Build anew from the access log where everybody is, and compare; ends with 1 where differences are left."""
    from gatehouse.rebuilding import rebuild_occupancy as run_rebuild_occupancy

    _run(lambda settings: run_rebuild_occupancy(settings, site or [], write=write))


@app.command("broker-accounts")
def broker_accounts(
    file: Annotated[Path, typer.Argument(help="The dynamic-security.json that the broker is started with.")],
    show: Annotated[
        Literal["admin", "svc-ingest", "svc-decide", "svc-control"] | None,
        typer.Option(help="Print the password of this account instead."),
    ] = None,
) -> None:
    """Write the accounts of our own services into the file of a Mosquitto of yours; gates' accounts stay."""
    from gatehouse.broker_accounts import broker_accounts as run_broker_accounts

    run_broker_accounts(_settings(), file, show)


@app.command()
def settings() -> None:
    """Print the table of all settings as Markdown."""
    print(as_markdown(), end="")


@simulate.command()
def scan(
    gate: Annotated[int, typer.Option(help="The gate's id.")],
    token: Annotated[
        str,
        typer.Option(help="The qrToken of a pass, what its QR code says, or a card number, PIN or plate."),
    ],
    direction: Annotated[Literal["in", "out"], typer.Option(help="Which way to walk.")] = "in",
    fleet: Annotated[Path | None, typer.Option(help="The fleet file; by default that of this house.")] = None,
    method: Annotated[
        Literal["qr", "nfc", "pin", "plate"], typer.Option(help="What the token is, and is read by.")
    ] = "qr",
) -> None:
    """Show a pass at a gate of the running fleet; where none runs, become that gate for a moment."""
    from gatehouse.simulating import scan as run_scan

    sys.exit(asyncio.run(run_scan(_settings(), gate, token, direction, fleet, method=method)))


@simulate.command("fleet")
def run_fleet(
    path: Annotated[Path, typer.Argument(help="The fleet file.")],
) -> None:
    """Run the turnstiles of a fleet file until Ctrl-C, in as many processes as they need."""
    from gatehouse.simulating import fleet as run

    _run(lambda _: run(path))


@simulate.command("site")
def make_site(
    gates: Annotated[int, typer.Option(min=1, max=5000, help="How many gates.")],
    out: Annotated[Path, typer.Option(help="The folder for the fleet file.")],
    passes: Annotated[int, typer.Option(min=0, max=100, help="How many passes for each gate.")] = 1,
    name: Annotated[str, typer.Option(help="The site's name.")] = "Stadium",
    broker: Annotated[str, typer.Option(help="The broker, MQTT_URL by default.")] = "",
) -> None:
    """Furnish a site with many gates in this database, and write the fleet file that runs them."""
    from gatehouse.demo.stadium import Wish
    from gatehouse.demo.stadium import site as run

    def make(settings: Settings) -> Coroutine[Any, Any, None]:
        where = broker or settings.mqtt_url or f"mqtt://127.0.0.1:{settings.mqtt_port}"
        return run(settings, Wish(name=name, gates=gates, passes=passes, broker=where), out)

    _run(make)


def _settings() -> Settings:
    return load()


def _run(command: Any, *, log: Path | None = None) -> None:  # Any: an async function of the settings
    from gatehouse.logs import configure

    settings = _settings()
    configure(settings.log_level, file=settings.gatehouse_data / log if log else None)
    work: Coroutine[Any, Any, None] = command(settings)
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()
