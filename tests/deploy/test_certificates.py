"""The broker's certificates are made once, renewed in time, and those of others are left alone."""

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.certificates import make

SCRIPT = Path(__file__).parents[2] / "deploy" / "certificates.py"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "certificates", tmp_path / "authority"


def names_in(folder: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate((folder / "server.crt").read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_a_server_is_trusted_by_whoever_has_the_authority(folders: tuple[Path, Path]):
    into, authority = folders

    make(into, authority, ["localhost", "192.0.2.7"])

    assert shakes_hands(into, "localhost") and shakes_hands(into, "192.0.2.7")
    assert names_in(into) == {"localhost", "192.0.2.7"}
    assert (into / "server.key").stat().st_mode & 0o077 == 0
    assert not (into / "ca.key").exists()


def test_a_name_that_is_not_in_it_is_not_trusted(folders: tuple[Path, Path]):
    make(*folders, ["localhost"])

    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(folders[0], "elsewhere.example")


def test_a_good_one_is_left_alone(folders: tuple[Path, Path]):
    into, authority = folders
    make(into, authority, ["localhost", "mosquitto"])
    before = (into / "server.crt").read_bytes()

    assert "is good until" in make(into, authority, ["localhost"])
    assert (into / "server.crt").read_bytes() == before


@pytest.mark.parametrize(("names", "days"), [(["gates.example"], 0), (["localhost"], 350)])
def test_another_name_or_a_near_end_renews_it_under_the_same_authority(
    folders: tuple[Path, Path], names: list[str], days: int
):
    into, authority = folders
    make(into, authority, ["localhost"])
    trusted = (into / "ca.crt").read_bytes()

    said = make(into, authority, names, datetime.now(UTC) + timedelta(days=days))

    assert f"is made for {names[0]}" in said
    assert (into / "ca.crt").read_bytes() == trusted


def test_one_that_the_operator_has_brought_stays(folders: tuple[Path, Path], tmp_path: Path):
    into, authority = folders
    make(into, tmp_path / "other authority", ["gates.example"])
    before = (into / "server.crt").read_bytes()

    assert "stays as it is" in make(into, authority, ["localhost"])
    assert (into / "server.crt").read_bytes() == before


def test_the_script_tells_what_it_did_and_what_it_misses(tmp_path: Path):
    folders = ("--into", str(tmp_path / "certificates"), "--authority", str(tmp_path / "authority"))

    made = run(*folders, "--name", "gates.example", "--name", "localhost")
    refused = run(*folders, "--name", "")

    assert made.returncode == 0 and "is made for gates.example, localhost" in made.stdout
    assert refused.returncode == 2 and "--name: must not be empty" in refused.stderr


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def shakes_hands(folder: Path, name: str) -> bool:
    """Let a client and a server of the folder talk in memory; the client demands the name."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "server.crt", folder / "server.key")
    client_side = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    return True
