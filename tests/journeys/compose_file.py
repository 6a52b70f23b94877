"""docker-compose.yml as Docker Compose reads it: anchors resolved, variables put in, short forms spelled out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<word>[^{}]*))?\})"
)


class Missing(Exception):
    """A variable that must be set is not."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Something of this machine, or a named volume, at a path of the container."""

    source: str
    target: str
    read_only: bool

    @property
    def named(self) -> bool:
        """Whether it is a volume of the file, not a path."""
        return not self.source.startswith((".", "/", "~"))


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container, published."""

    address: str
    published: str
    target: int


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of the file."""

    name: str
    image: str
    command: list[str]
    environment: dict[str, str]
    volumes: list[Volume]
    ports: list[Port]
    depends_on: dict[str, str]
    healthcheck: list[str]
    replicas: int
    restart: str
    stop_signal: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ComposeFile:
    """The whole file."""

    services: dict[str, Service]
    subnet: str
    raw: dict[str, Any] = field(repr=False)

    def goal_of(self, service: Service) -> str:
        """Return what others wait for: that it is completed, healthy, or merely started."""
        awaited = {other.depends_on.get(service.name) for other in self.services.values()} - {None}
        if "service_completed_successfully" in awaited:
            return "completed"
        return "healthy" if service.healthcheck else "started"


def read(file: Path, variables: Mapping[str, str]) -> ComposeFile:
    """Read a file with these variables.

    Raises: Missing, with the file's own words.
    """
    raw = _walk(yaml.safe_load(file.read_text()), variables)
    services = {name: _service(name, one) for name, one in raw["services"].items()}
    [pool] = raw["networks"]["default"]["ipam"]["config"]
    return ComposeFile(services=services, subnet=pool["subnet"], raw=raw)


def variables_of(text: str) -> set[str]:
    """Return the names of all variables in a text, comments left out."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = VARIABLE.finditer("\n".join(lines))
    return {name for match in found if (name := match["name"] or match["bare"])}


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Put the variables into a text by the rules of Compose."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, how, word = match["name"] or match["bare"], match["how"] or "", match["word"] or ""
        found = variables.get(name)
        if found is not None and (found or not how.startswith(":")):
            return found
        if how.endswith("?"):
            raise Missing(f"{name}: {word}")
        return word

    return VARIABLE.sub(value, text)


def _walk(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _walk(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_walk(value, variables) for value in node]
    return interpolate(node, variables) if isinstance(node, str) else node


def _service(name: str, raw: dict[str, Any]) -> Service:
    return Service(
        name=name,
        image=raw["image"],
        command=raw["command"],
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        volumes=[_volume(text) for text in raw.get("volumes", [])],
        ports=[_port(text) for text in raw.get("ports", [])],
        depends_on={other: how["condition"] for other, how in raw.get("depends_on", {}).items()},
        healthcheck=raw.get("healthcheck", {}).get("test", []),
        replicas=int(raw.get("deploy", {}).get("replicas", 1)),
        restart=raw.get("restart", "no"),
        stop_signal=raw.get("stop_signal", "SIGTERM"),
        raw=raw,
    )


def _volume(text: str) -> Volume:
    source, target, *mode = text.split(":")
    return Volume(source=source, target=target, read_only=mode == ["ro"])


def _port(text: str) -> Port:
    *address, published, target = text.split(":")
    return Port(address=":".join(address), published=published, target=int(target))
