"""Runs what docker-compose.yml says on this machine: commands, environments, health checks, order of starting."""

import asyncio
import getpass
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gatehouse.embedded import privileges
from gatehouse.embedded.child import Child, Command, StartFailed, last_words, run
from tests.eventually import eventually
from tests.journeys import name_server
from tests.journeys.compose_file import ComposeFile, Service
from tests.journeys.compose_places import Instance, Places
from tests.journeys.compose_programs import ROOT, argv_of, asking, make_cluster

HEALTHY_WITHIN_S = 60
COMPLETED_WITHIN_S = 60
GRACE_S = 30


class Machine:
    """All containers of a file as processes of this machine."""

    def __init__(self, file: ComposeFile, folder: Path, places: Places) -> None:
        self.file = file
        self.places = places
        self._folder = folder
        self._children: dict[str, Child] = {}
        self._reached = {name: asyncio.Event() for name in file.services}

    @classmethod
    @asynccontextmanager
    async def running(cls, file: ComposeFile, folder: Path) -> AsyncIterator["Machine"]:
        """Start everything in its order, and stop everything at the end."""

        def addresses(name: str) -> list[str]:
            return places.addresses(name)

        async with name_server.serving(addresses) as port:
            places = Places(file, folder, port, user=getpass.getuser())
            machine = cls(file, folder, places)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for service in file.services.values():
                        tasks.create_task(machine._bring_up(service), name=service.name)
                yield machine
            finally:
                await machine._stop()

    def address(self, service: str, port: int, *, number: int = 1) -> str:
        """Return where a port of a service's container is."""
        return f"127.0.0.{number}:{self.places.port(service, port)}"

    def kill(self, service: str, number: int) -> None:
        """Kill a container with -9."""
        self._children[f"{service}-{number}"].kill()

    async def end(self, service: str, number: int) -> int:
        """Stop a container as `docker compose stop` does, and return its exit code."""
        return await self._children[f"{service}-{number}"].stop(GRACE_S)

    def signal(self, service: str, number: signal.Signals) -> None:
        """Send a service's only container a signal, `docker compose kill -s`."""
        os.kill(self._children[f"{service}-1"].pid, number)

    def running_of(self, service: str) -> list[int]:
        """Return the numbers of a service's containers that run."""
        return [
            number
            for number in range(1, self.file.services[service].replicas + 1)
            if self._children[f"{service}-{number}"].running
        ]

    async def revive(self, service: str, number: int) -> None:
        """Start a container again, as its restart policy says, and wait until it is healthy."""
        assert self.file.services[service].restart == "unless-stopped"
        instance = Instance(self.file.services[service], number)
        await self._start(instance)
        await self._healthy(instance)

    async def run(self, service: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command in a new container of a service, `docker compose run`; by default the service's own.

        Raises: StartFailed with what it printed.
        """
        instance = Instance(self.file.services[service], 1)
        command = self._command(instance, list(words) or instance.service.command, log=f"{service}-run")
        command = replace(command, env={**(command.env or {}), **(environment or {})})
        start = command.log.stat().st_size if command.log.exists() else 0
        await run(command, COMPLETED_WITHIN_S)
        return command.log.read_bytes()[start:].decode()

    def logs(self, service: str) -> str:
        """Return what all containers of a service have logged."""
        count = self.file.services[service].replicas
        return "".join(self._log(f"{service}-{number + 1}").read_text() for number in range(count))

    async def _bring_up(self, service: Service) -> None:
        for other in service.depends_on:
            await self._reached[other].wait()
        if self.file.goal_of(service) == "completed":
            await self.run(service.name)
        else:
            instances = [Instance(service, number + 1) for number in range(service.replicas)]
            for instance in instances:
                await self._start(instance)
            for instance in instances:
                await self._healthy(instance)
        self._reached[service.name].set()

    async def _start(self, instance: Instance) -> None:
        if instance.service.name == "postgres":
            where = self._database(instance)
            assert where is not None
            await make_cluster(where, instance.service.environment, self._log("initdb"))
        command = self._command(instance, instance.service.command, log=instance.name)
        self._children[instance.name] = await Child.start(command)

    async def _healthy(self, instance: Instance) -> None:
        child = self._children[instance.name]
        how, *test = instance.service.healthcheck
        assert how == "CMD", "the only form that needs no shell in the image"
        check = Command(
            argv=asking(self.places.words(test, instance)),
            log=self._log(f"{instance.name}-health"),
            env=self._environment({}),
        )

        async def passes() -> bool:
            if not child.running:
                raise child.failure("ended")
            try:
                await run(check, 5)
            except StartFailed:
                return False
            return True

        try:
            await eventually(passes, HEALTHY_WITHIN_S)
        except TimeoutError:
            raise child.failure(f"is not healthy: {last_words(check.log, 3)}") from None

    def _command(self, instance: Instance, words: list[str], *, log: str) -> Command:
        self.places.copy_files(instance)
        folder = self.places.own_folder(instance)
        (folder / "data").mkdir(exist_ok=True)
        name, *arguments = self.places.words(words, instance)
        database = self._database(instance)
        runs_as = privileges.choose(database) if database else privileges.Privileges()
        argv = argv_of(name, arguments, instance.address, folder, database)
        return Command(
            # Nowhere near the repository: a developer's .env is not in the image either.
            argv=("env", "-C", str(folder / "data"), *argv),
            log=self._log(log),
            env=self._environment(self.places.environment(instance)),
            user=runs_as.user,
            group=runs_as.group,
            goodbye=signal.Signals[instance.service.stop_signal],
        )

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what a container has: what the file gives it, and what its image would."""
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
        return {"PATH": path, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **given}

    def _database(self, instance: Instance) -> Path | None:
        if instance.service.name != "postgres":
            return None
        [volume] = instance.service.volumes
        return self.places.volume(volume.source)

    def _log(self, name: str) -> Path:
        return self._folder / "log" / f"{name}.log"

    async def _stop(self) -> None:
        """Stop what was started last first, so that nobody misses what it stands on."""
        for child in reversed(self._children.values()):
            await child.stop(15)
