"""The production shape: docker-compose.yml says what is needed, and what it says runs and does the main job.

Proves: gatehouse/commands.py, gatehouse/roles.py, gatehouse/watched.py, gatehouse/listening.py, gatehouse/told.py,
gatehouse/migrate.py
"""

import ast
import asyncio
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx2
import pytest
import yaml

from deploy.certificates import make
from gatehouse.embedded.child import StartFailed
from gatehouse.roles import GRACE_S
from gatehouse.settings import SETTINGS
from tests.eventually import eventually
from tests.journeys.compose_file import ComposeFile, Missing, read, variables_of
from tests.journeys.compose_machine import Machine
from tests.journeys.compose_programs import ROOT, need_all
from tests.journeys.compose_site import ADMIN, HOST, METRICS_TOKEN, UPGRADE, Site, call, opened
from tests.services.folder import short_folder

FILE = ROOT / "docker-compose.yml"
HTTPS = ROOT / "deploy" / "https.yml"
SECRETS = {
    "JWT_SECRET_KEY": "kR7vQ2mZ9xW4tY8uB3nC6pL1sD5fG0hJ-aEiOq",
    "POSTGRES_PASSWORD": "bV5nM2qT8wX4zL7p",
}
OURS = {"domain", "channels", "server", "gate_bridge", "adapters", "simulators", "gatehouse"}
SCREENS = 10
ONCE = ("migrate", "certificates", "broker-accounts")


@pytest.fixture(scope="module")
def compose() -> ComposeFile:
    return read(FILE, {**SECRETS, "METRICS_TOKEN": METRICS_TOKEN})


@pytest.fixture(scope="module")
async def site(compose: ComposeFile) -> AsyncIterator[Site]:
    need_all()
    with short_folder() as folder:
        async with Machine.running(compose, folder) as machine, opened(machine, folder) as found:
            yield found


# ---- what the file says --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SECRETS)
def test_without_a_secret_the_file_says_what_to_do(name: str):
    given = {other: value for other, value in SECRETS.items() if other != name}

    for value in ({}, {name: ""}):
        with pytest.raises(Missing, match=f"{name}: copy deploy/env.example to .env and fill in the secrets"):
            read(FILE, {**given, **value})


def test_every_variable_is_explained_and_every_explained_one_is_used():
    used = variables_of(FILE.read_text()) | variables_of(HTTPS.read_text())
    explained = re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / "deploy" / "env.example").read_text())

    assert set(explained) == used
    assert len(explained) == len(set(explained))


def test_what_our_processes_are_told_are_settings(compose: ComposeFile):
    known = {setting.name for setting in SETTINGS}

    for service in compose.services.values():
        if service.image.startswith("gatehouse:"):
            assert set(service.environment) <= known, service.name
            assert service.environment["ENVIRONMENT"] == "production"


def test_a_hub_is_given_the_time_that_it_takes_to_end(compose: ComposeFile):
    given_s = int(compose.raw["services"]["hub"]["stop_grace_period"].removesuffix("s"))

    assert given_s >= int(compose.services["hub"].environment["DRAIN_S"]) + GRACE_S + 5


def test_only_the_balancer_gates_and_the_mail_page_are_reached_from_outside(compose: ComposeFile):
    published = {
        (service.name, port.target, port.address)
        for service in compose.services.values()
        for port in service.ports
    }

    assert published == {("balancer", 8080, ""), ("mosquitto", 8883, ""), ("mailbox", 8025, "127.0.0.1")}


def test_whatever_stays_is_watched_and_started_again_and_the_rest_ends(compose: ComposeFile):
    for service in compose.services.values():
        if service.name in ONCE:
            assert compose.goal_of(service) == "completed"
            assert service.restart in {"no", "on-failure:5"}
        else:
            assert service.healthcheck, f"{service.name} has no health check"
            assert service.restart == "unless-stopped"


def test_what_is_waited_for_exists_and_can_be_reached(compose: ComposeFile):
    goals = {"completed": "service_completed_successfully", "healthy": "service_healthy"}

    for service in compose.services.values():
        for other, condition in service.depends_on.items():
            assert condition == goals[compose.goal_of(compose.services[other])], (
                f"{service.name} waits for {other}"
            )


def test_every_volume_is_declared_and_every_file_exists(compose: ComposeFile):
    volumes = [volume for service in compose.services.values() for volume in service.volumes]

    assert {volume.source for volume in volumes if volume.named} == set(compose.raw["volumes"])
    assert all((ROOT / volume.source).is_file() for volume in volumes if not volume.named)


def test_images_of_others_are_of_a_named_version(compose: ComposeFile):
    images = [service.image for service in compose.services.values()]
    bases = re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text())

    for image in [*images, *bases]:
        assert image == "gatehouse:latest" or re.search(r":.*\d", image), image


def test_docker_compose_itself_takes_the_file():
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs the compose plugin of docker: apt-get install docker-compose-plugin")
    for files in (["-f", str(FILE)], ["-f", str(FILE), "-f", str(HTTPS)]):
        command = [docker, "compose", *files, "config", "--quiet"]
        environment = {**SECRETS, "HTTPS_CERTIFICATE": "/dev/null", "PATH": "/usr/bin:/bin"}
        checked = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert checked.returncode == 0, checked.stderr


def test_https_is_added_to_the_balancer_that_knows_it():
    added = yaml.safe_load(HTTPS.read_text())["services"]

    assert set(added) == {"balancer"}
    [name] = added["balancer"]["environment"]
    assert f'"${{{name}}}"' in (ROOT / "deploy" / "haproxy.cfg").read_text()


# ---- what the image is made of -------------------------------------------------------------------------------


def test_the_image_runs_as_nobody_in_particular_with_packages_of_known_hashes():
    text = (ROOT / "Dockerfile").read_text()
    last = text.rpartition("\nFROM ")[2]

    assert "\nUSER gatehouse\n" in last
    assert "--require-hashes -r requirements.lock" in text
    assert not re.search(r"(?m)^ARG", text)


def test_the_image_has_every_package_of_ours_and_nothing_secret():
    copied = set(re.findall(r"(?m)^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text()))
    let_in = set(re.findall(r"(?m)^!(\S+)$", (ROOT / ".dockerignore").read_text()))

    assert copied == OURS | {"migrations", "deploy"}
    assert copied <= let_in and ".env" not in let_in
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_whatever_our_code_imports_is_locked_for_the_image():
    locked = {
        _plain(name) for name in re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.lock").read_text())
    }
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    imported = {name for path in files for name in _imports(path)} - sys.stdlib_module_names - OURS

    # Some modules come from several distributions; one of them has to be there.
    sources = {name: {_plain(one) for one in packages_distributions().get(name, [name])} for name in imported}
    assert {name for name, found in sources.items() if not found & locked} == set()


def _plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | froms}


# ---- what runs -----------------------------------------------------------------------------------------------


async def test_a_guest_comes_in_and_everybody_hears_of_it(site: Site):
    async with site.host_listening() as screen:
        expected = await site.guest("Ada Lovelace", guestEmail="ada@example.net")
        shown = await site.shown(expected["qrToken"])
        assert (shown.verdict, shown.source, shown.passed) == ("admit", "online", True)

        [told] = await eventually(screen.arrivals, 20)
        assert told.startswith("Ada Lovelace came in at Lighthouse")

    of_pass = {"guestPassId": expected["guestPassId"]}
    [visit] = await eventually(lambda: site.listed("/api/visit-logs", **of_pass), 10)
    assert (visit["action"], visit["gateId"]) == ("enter", site.gate_id)
    log = await site.listed("/api/access-log", siteId=site.site_id, gateId=site.gate_id)
    own = [entry for entry in log if entry["guestPassId"] == expected["guestPassId"]]
    assert {entry["kind"] for entry in own} == {"decision", "passage"}
    assert {entry["source"] for entry in own} == {"online"}


async def test_letters_are_caught_and_shown(site: Site):
    expected = await site.guest("Grace Hopper", guestEmail="grace@example.net")
    await site.shown(expected["qrToken"])

    async def page() -> None:
        shown = (await site.http.get(f"http://{site.machine.address('mailbox', 8025)}/")).text
        assert "to grace@example.net" in shown
        assert "Your guest has arrived" in shown and f"to {HOST}" in shown

    await eventually(page, 30)


async def test_a_screen_misses_nothing_when_its_hub_is_killed(site: Site):
    first, second = await site.guest("Alan Turing"), await site.guest("Kurt Gödel")
    async with site.host_listening() as screen:
        await site.shown(first["qrToken"])
        await eventually(screen.arrivals, 20)
        hub = await site.hub_of_the_screen()

        site.machine.kill("hub", hub)
        shown = await site.shown(second["qrToken"])
        assert (shown.verdict, shown.source) == ("admit", "online")

        await eventually(lambda: len(screen.arrivals()) >= 2, 20)
        assert await site.hub_of_the_screen() != hub
        told = [text.partition(" came in")[0] for text in screen.arrivals()]
        assert (told, screen.recovered[1:], screen.ends) == (["Alan Turing", "Kurt Gödel"], [True], [])
    await site.machine.revive("hub", hub)


async def test_a_hub_that_is_told_to_end_hands_its_clients_over_and_they_miss_nothing(site: Site):
    hub, other = 1, 2
    names: list[str] = []
    direct = f"http://{site.machine.address('hub', 8080, number=hub)}"
    async with AsyncExitStack() as stack:
        await eventually(site.both_hubs_serve, 10)
        screens = [await stack.enter_async_context(site.host_listening()) for _ in range(SCREENS)]
        assert await site.sockets_of(hub) and await site.sockets_of(other)

        async def somebody_comes() -> None:
            names.append(f"Guest {len(names)}")
            shown = await site.shown((await site.guest(names[-1]))["qrToken"])
            assert (shown.verdict, shown.source) == ("admit", "online")

        await somebody_comes()
        ending = asyncio.create_task(site.machine.end("hub", hub))
        await eventually(lambda: site.answers(503, f"{direct}/health/ready"), 10)
        assert await site.answers(200, f"{direct}/health")
        assert await site.answers(503, f"{direct}/connection/websocket", headers=UPGRADE)
        while not ending.done():
            await somebody_comes()
        assert await ending == 0
        await somebody_comes()

        for screen in screens:
            await eventually(partial(screen.has_heard_of, len(names)), 20)
            assert [text.partition(" came in")[0] for text in screen.arrivals()] == names
            assert all(screen.recovered[1:]) and not screen.ends
        assert await site.sockets_of(other) == SCREENS
    await site.machine.revive("hub", hub)


async def test_both_hubs_serve(site: Site):
    await eventually(site.both_hubs_serve, 10)


async def test_numbers_stay_inside(site: Site):
    outside = [
        (await site.http.get(path)).status_code for path in ("/metrics", "/api/metrics", "/health/ready")
    ]
    prometheus = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    inside = [
        (
            await site.http.get(f"http://{site.machine.address(service, 8081)}{path}", headers=headers)
        ).status_code
        for service in ("ingest", "decide", "work")
        for path, headers in (("/metrics", {}), ("/metrics", prometheus), ("/health/ready", {}))
    ]

    assert outside == [404, 404, 200]
    assert inside == [401, 200, 200] * 3


async def test_starting_again_changes_nothing(site: Site):
    accounts = site.machine.places.volume("broker") / "dynamic-security.json"
    certificate = site.machine.places.volume("certificates") / "server.crt"
    before = accounts.read_bytes(), certificate.read_bytes()

    said = {name: await site.machine.run(name) for name in ONCE}

    assert (accounts.read_bytes(), certificate.read_bytes()) == before
    assert "has the accounts of this house." in said["broker-accounts"]
    assert "is good until" in said["certificates"]


async def test_a_wrong_secret_is_refused_readably(site: Site):
    with pytest.raises(StartFailed) as refused:
        await site.machine.run("hub", environment={"JWT_SECRET_KEY": "changeme"})

    assert "JWT_SECRET_KEY is a sample or too easy to guess for production" in str(refused.value)
    assert "exit code 2" in str(refused.value) and "Traceback" not in str(refused.value)


async def test_without_redis_the_house_still_answers_and_then_screens_hear_again(site: Site):
    site.machine.kill("redis", 1)
    page = f"http://{site.machine.address('balancer', 8404)}/health"

    async def none_ready() -> bool:
        return (await site.http.get(page)).status_code == 503

    await eventually(none_ready, 20)
    assert [one["siteId"] for one in await site.listed("/api/sites")] == [site.site_id]
    assert (await site.http.get("/health/ready")).json()["parts"]["broker"] == "failed"

    await site.machine.revive("redis", 1)
    async with site.host_listening() as screen:
        await site.shown((await site.guest("Mary Shelley"))["qrToken"])
        assert await eventually(screen.arrivals, 20)


async def test_hubs_know_a_caller_by_the_balancers_word_alone(site: Site):
    pretended, own = "203.0.113.9", "127.0.0.77"
    transport = httpx2.AsyncHTTPTransport(local_address=own)
    async with httpx2.AsyncClient(base_url=site.url, transport=transport, trust_env=False) as caller:
        await caller.get("/api/sites", headers={"X-Forwarded-For": pretended})

    await eventually(lambda: f'"client": "{own}"' in site.machine.logs("hub"))
    assert pretended not in site.machine.logs("hub")


async def test_a_new_certificate_is_taken_without_a_restart(site: Site):
    volumes = site.machine.places
    make(
        volumes.volume("certificates"),
        volumes.volume("authority"),
        ["localhost", "mosquitto", "gates.example"],
    )
    wanted = (volumes.volume("certificates") / "server.crt").read_text()
    port = volumes.port("mosquitto", 8883)

    site.machine.signal("mosquitto", signal.SIGHUP)

    async def served() -> bool:
        return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port)) == wanted

    await eventually(served, 10)
    assert (await site.shown((await site.guest("Emmy Noether"))["qrToken"])).source == "online"


async def test_a_broker_that_lost_everything_is_told_again(site: Site):
    machine = site.machine
    machine.kill("mosquitto", 1)
    shutil.rmtree(machine.places.volume("broker"))

    await machine.run("broker-accounts")
    await machine.revive("mosquitto", 1)
    await call(site.http, "POST", "/rpc/access.reapply_device_accounts", await site.signed_in(ADMIN), {})

    expected = await site.guest("Sofya Kovalevskaya")

    async def decided_online() -> bool:
        return (await site.shown(expected["qrToken"])).source == "online"

    await eventually(decided_online, 60)
