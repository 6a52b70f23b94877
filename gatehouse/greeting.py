"""What the terminal shows once the house is up."""

from gatehouse.demo.place import PASSWORD, STAFF
from gatehouse.settings import Settings


def greeting(settings: Settings, wanted: Settings, mqtt_port: int, *, demo: bool) -> str:
    """Return the addresses, what differs from what was wanted, and the demo's accounts with a first call to try."""
    url = settings.public_url
    lines = ["", "  Gatehouse is up.", "", f"    dashboard   {url}/", f"    API         {url}/api", ""]
    lines[5:5] = [f"    mail        {url}/app/mail/", f"    MQTT        mqtt://127.0.0.1:{mqtt_port}"]
    lines += _moved("PORT", wanted.port, settings.port) + _moved("MQTT_PORT", wanted.mqtt_port, mqtt_port)
    if demo:
        lines += ["  Demo accounts, all with the password " + PASSWORD + ":", ""]
        lines += [f"    {name + '@example.com':24}{role}" for name, _, _, role in STAFF]
        lines += ["", *_first_call(url), ""]
    else:
        lines += ["  No demo data. Make the first account by: gatehouse create-admin", ""]
    return "\n".join(
        [*lines, "  Ctrl-C stops everything; the data stays in " + str(settings.gatehouse_data) + ".", ""]
    )


def _moved(name: str, wanted: int, got: int) -> list[str]:
    return (
        [] if wanted == got else [f"  Port {wanted} is taken, so {got} is used instead ({name} chooses).", ""]
    )


def _first_call(url: str) -> list[str]:
    body = '{"email":"member@example.com","password":"' + PASSWORD + '"}'
    return [
        "  Expect a guest as the member, then let them in:",
        "",
        f"    TOKEN=$(curl -s {url}/api/auth/login -H 'Content-Type: application/json' \\",
        f"      -d '{body}' | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"accessToken\"])')",
        f'    curl -s {url}/api/guest-passes -H "Authorization: Bearer $TOKEN" \\',
        "      -H 'Content-Type: application/json' \\",
        '      -d "{\\"guestName\\":\\"Ada\\",\\"start\\":\\"$(date -Is)\\",\\"end\\":\\"$(date -Is -d +2hours)\\"}"',
        '    .venv/bin/gatehouse simulate scan --gate 1 --token "<qrToken>"',
    ]
