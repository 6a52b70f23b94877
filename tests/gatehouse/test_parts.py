"""What every process is built of comes from the settings, and a file that cannot be read is named."""

from pathlib import Path

import pytest

from gatehouse.parts import tools_of
from gatehouse.settings import BadSetting, read

NOWHERE = Path("/nonexistent/.env")


def test_gates_are_told_the_certificate_of_the_file(tmp_path: Path):
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----")
    settings = read({"MQTT_PUBLIC_CA_FILE": str(tmp_path / "ca.crt")}, NOWHERE)

    assert tools_of(settings).policy.mqtt_authority == "-----BEGIN CERTIFICATE-----"


def test_without_a_file_they_are_told_none():
    assert tools_of(read({}, NOWHERE)).policy.mqtt_authority == ""


def test_a_file_that_is_not_there_is_named():
    settings = read({"MQTT_PUBLIC_CA_FILE": "/nonexistent/ca.crt"}, NOWHERE)

    with pytest.raises(BadSetting, match="MQTT_PUBLIC_CA_FILE must be a certificate"):
        tools_of(settings)
