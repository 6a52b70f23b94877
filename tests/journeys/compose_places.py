"""Where the names, ports and paths of a compose file are on this machine, and texts with the ones put for the others.

Each service has one free port for each of its ports; its replicas share it, each at a loopback address of its own, as
they share it in the network of containers. A named volume is a folder; a file of the repository is a copy.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gatehouse.embedded.address import free_port, is_free
from gatehouse.embedded.broker import dynamic_security_plugin
from tests.journeys.compose_file import ComposeFile, Service
from tests.journeys.compose_programs import PLUGIN_IN_IMAGE, ROOT

DOCKERS_NAME_SERVER = "127.0.0.11:53"
ANYWHERE = "0.0.0.0"


@dataclass(frozen=True)
class Instance:
    """One container."""

    service: Service
    number: int

    @property
    def name(self) -> str:
        return f"{self.service.name}-{self.number}"

    @property
    def address(self) -> str:
        return f"127.0.0.{self.number}"


class Places:
    """The map from the file to this machine."""

    def __init__(self, file: ComposeFile, folder: Path, name_server: int, *, user: str) -> None:
        self._file = file
        self._folder = folder
        self._name_server = name_server
        self._user = user
        self._ports: dict[tuple[str, int], int] = {}

    def port(self, service: str, port: int) -> int:
        """Return the port here of a service's port."""
        key = (service, port)
        if key not in self._ports:
            self._ports[key] = self._free(self._file.services[service].replicas)
        return self._ports[key]

    def addresses(self, service: str) -> list[str]:
        """Return what the network's name server says of a name."""
        found = self._file.services.get(service)
        return [Instance(found, number + 1).address for number in range(found.replicas)] if found else []

    def volume(self, name: str) -> Path:
        """Return the folder of a named volume."""
        folder = self._folder / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def own_folder(self, instance: Instance) -> Path:
        """Return the folder where a container's other files are."""
        folder = self._folder / "containers" / instance.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def environment(self, instance: Instance) -> dict[str, str]:
        """Return a container's environment with everything where it is here."""
        found = {name: self.text(text, instance) for name, text in instance.service.environment.items()}
        for name, text in instance.service.environment.items():
            if text == ANYWHERE:
                found[name] = instance.address
            elif text in self._file.services:
                found[name] = self.addresses(text)[0]
            elif name.endswith("PORT") and text:
                host = instance.service.environment.get(f"{name[:-4]}HOST", "")
                served_by = host if host in self._file.services else instance.service.name
                found[name] = str(self.port(served_by, int(text)))
        return found

    def words(self, words: list[str], instance: Instance) -> list[str]:
        """Return a command line with everything where it is here."""
        return [self._word(word, instance) for word in words]

    def text(self, text: str, instance: Instance) -> str:
        """Return a text with addresses and paths as they are here."""
        names = "|".join(self._file.services)
        own = r"127\.0\.0\.1"
        text = re.sub(rf"(?<![\w.-])({own}|{names}):(\d+)", partial(self._address, instance), text)
        return self._moved(text.replace(self._file.subnet, "127.0.0.0/8"), instance)

    def _address(self, instance: Instance, found: "re.Match[str]") -> str:
        name, port = found[1], int(found[2])
        if name not in self._file.services:
            return f"{instance.address}:{self.port(instance.service.name, port)}"
        return f"{self.addresses(name)[0]}:{self.port(name, port)}"

    def _moved(self, text: str, instance: Instance) -> str:
        for target, place in self._paths(instance).items():
            text = re.sub(rf"(?<![\w/.-]){re.escape(target)}(?![\w-])", str(place), text)
        return text

    def _word(self, word: str, instance: Instance) -> str:
        if found := re.fullmatch(r"(--port=|)(\d{4,5})", word):
            return f"{found[1]}{self.port(instance.service.name, int(found[2]))}"
        if word in {"127.0.0.1", "--host=127.0.0.1"}:
            return word.replace("127.0.0.1", instance.address)
        return self.text(word, instance)

    def _paths(self, instance: Instance) -> dict[str, Path]:
        """Return where the paths of a container are, the longest first."""
        found = {"/app": ROOT, "/data": self.own_folder(instance) / "data"}
        for volume in instance.service.volumes:
            if volume.named:
                found[volume.target] = self.volume(volume.source)
            else:
                found[volume.target] = self.own_folder(instance) / Path(volume.target).name
        return dict(sorted(found.items(), key=lambda one: -len(one[0])))

    def copy_files(self, instance: Instance) -> None:
        """Write the files of the repository that a container is given, with everything where it is here."""
        for volume in instance.service.volumes:
            if not volume.named:
                text = (ROOT / volume.source).read_text()
                copy = self.own_folder(instance) / Path(volume.target).name
                copy.write_text(self._configuration(text, instance))

    def _configuration(self, text: str, instance: Instance) -> str:
        """Return a configuration of HAProxy or Mosquitto that listens here."""
        address = instance.address
        text = self._moved(text, instance)
        text = text.replace(DOCKERS_NAME_SERVER, f"127.0.0.1:{self._name_server}")
        text = text.replace(PLUGIN_IN_IMAGE, str(dynamic_security_plugin()))
        here = partial(self._listening, instance)
        text = re.sub(r"(?m)^( *bind) :(\d+)", lambda at: f"{at[1]} {address}:{here(at[2])}", text)
        text = re.sub(r"(?m)^listener (\d+)$", lambda at: f"listener {here(at[1])} {address}", text)
        # The name stays: it is asked of the name server, again and again.
        text = re.sub(
            r"(server-template .* )(\w+):(\d+)",
            lambda at: f"{at[1]}{at[2]}:{self.port(at[2], int(at[3]))}",
            text,
        )
        return f"user {self._user}\n{text}" if instance.service.name == "mosquitto" else text

    def _listening(self, instance: Instance, port: str) -> int:
        return self.port(instance.service.name, int(port))

    def _free(self, replicas: int) -> int:
        while True:
            port = free_port()
            taken = set(self._ports.values())
            if port not in taken and all(
                is_free(port, f"127.0.0.{number + 1}") for number in range(replicas)
            ):
                return port
