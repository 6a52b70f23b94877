"""What the terminal shows once the house is up."""

import os
import shlex
import shutil
import sys

from gatehouse.demo.place import PASSWORD, STAFF
from gatehouse.settings import Settings, read


def greeting(settings: Settings, wanted: Settings, mqtt_port: int, *, demo: bool) -> str:
    """Return the addresses, what differs from what was wanted, and the demo's accounts with a first call to try."""
    url, command = settings.public_url, _command(settings)
    lines = ["", "  Gatehouse is up.", "", f"    dashboard   {url}/", f"    API         {url}/api", ""]
    mail = [f"    mail        {url}/app/mail/"] if wanted.smtp_host is None else []
    lines[5:5] = [*mail, f"    MQTT        mqtt://127.0.0.1:{mqtt_port}"]
    lines += _moved("PORT", wanted.port, settings.port) + _moved("MQTT_PORT", wanted.mqtt_port, mqtt_port)
    if demo:
        lines += ["  Demo accounts, all with the password " + PASSWORD + ":", ""]
        lines += [f"    {name + '@example.com':24}{role}" for name, _, _, role in STAFF]
        lines += ["", *_first_call(url, command), ""]
    else:
        lines += [f"  No demo data. Make the account of an administrator by: {command} create-admin", ""]
    return "\n".join(
        [*lines, "  Ctrl-C stops everything; the data stays in " + str(settings.gatehouse_data) + ".", ""]
    )


def _moved(name: str, wanted: int, got: int) -> list[str]:
    return (
        [] if wanted == got else [f"  Port {wanted} is taken, so {got} is used instead ({name} chooses).", ""]
    )


def _command(settings: Settings) -> str:
    """Return how another terminal calls this program for this house."""
    program = sys.argv[0]
    found = shutil.which("gatehouse")
    if found and os.path.realpath(found) == os.path.realpath(program):
        program = "gatehouse"
    default = read({}).gatehouse_data
    data = settings.gatehouse_data
    where = "" if data == default else f"GATEHOUSE_DATA={shlex.quote(str(data.absolute()))} "
    return where + shlex.quote(program)


def _first_call(url: str, command: str) -> list[str]:
    """Return lines that a POSIX shell takes as they are."""
    account = '{"email":"member@example.com","password":"' + PASSWORD + '"}'
    guest = '{\\"guestName\\":\\"Ada\\",\\"start\\":\\"$(date -Is)\\",\\"end\\":\\"$(date -Is -d +2hours)\\"}'
    return [
        "  Expect a guest as the member, then let them in:",
        "",
        "    field() { python3 -c \"import json,sys; print(json.load(sys.stdin)['$1'])\"; }",
        f"    TOKEN=$(curl -s {url}/api/auth/login -H 'Content-Type: application/json' \\",
        f"      -d '{account}' | field accessToken)",
        f'    PASS=$(curl -s {url}/api/guest-passes -H "Authorization: Bearer $TOKEN" \\',
        "      -H 'Content-Type: application/json' \\",
        f'      -d "{guest}" | field qrToken)',
        f'    {command} simulate scan --gate 1 --token "$PASS"',
    ]
