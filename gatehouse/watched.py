"""Answers probes for a process that serves nobody else: can it work, and what does it count."""

from collections.abc import Mapping

from starlette.applications import Starlette

from gatehouse import roles
from gatehouse.listening import listening
from gatehouse.settings import Settings
from server.probes import Check, Health, probes
from server.process import Process


async def answer_probes(settings: Settings, process: Process, checks: Mapping[str, Check]) -> None:
    """Answer at HEALTH_PORT until cancelled, where there is one; checks may be added meanwhile."""
    if settings.health_port is None:
        return
    with listening(settings.host, settings.health_port) as listener:
        routes = probes(Health(checks), process.metrics, token=settings.metrics_token)
        await roles.serve(Starlette(routes=routes), listener)
