"""A Mosquitto of a test's own, on a free port, which the test may kill."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import IO

from tests.eventually import eventually
from tests.services.needs import missing

BINARY = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
PLUGIN = next(
    (
        path
        for folder in ("/usr/lib", "/usr/local/lib")
        for path in Path(folder).glob("**/mosquitto_dynamic_security.so")
    ),
    None,
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _launch(configuration: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(BINARY), "-c", str(configuration)], stdout=log, stderr=log)


class PrivateBroker:
    """Anonymous unless other lines of configuration say otherwise; killed, it forgets everything."""

    def __init__(self, folder: Path, *lines: str) -> None:
        if BINARY is None or PLUGIN is None:
            missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.lines = lines or ("allow_anonymous true",)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text()

    def configuration(self) -> str:
        lines = (
            "user root",
            "set_tcp_nodelay true",
            "max_inflight_messages 0",
            # Not 0: Mosquitto 2.0.11 then ends the connection of whoever publishes what it may not.
            "max_queued_messages 1000000",
            f"listener {self.port} 127.0.0.1",
            *self.lines,
        )
        return "\n".join(lines) + "\n"

    async def start(self) -> None:
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(self.configuration())
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = _launch(configuration, log)
        await eventually(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log()
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """Ends it with -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=5)
            self.process = None
