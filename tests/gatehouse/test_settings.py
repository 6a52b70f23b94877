"""Settings are read once, each bad one is named, and secrets are neither weak in production nor shown.

Proves: gatehouse/settings.py, gatehouse/readers.py
"""

import threading
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from gatehouse.settings import SETTINGS, BadSetting, Settings, as_markdown, data_directory, load, read

NOWHERE = Path("/nonexistent/.env")
STRONG = "kR7vQ2mZ9xW4tY8uB3nC6pL1sD5fG0hJ-aEiOq"


def given(**environ: str) -> Settings:
    return read(environ, NOWHERE)


def test_without_any_everything_is_served_from_within():
    settings = given()

    assert settings.environment == "development"
    assert (settings.database_url, settings.redis_url, settings.mqtt_url, settings.smtp_host) == (None,) * 4
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.gatehouse_data == Path("var")
    assert settings.jwt_access_token_expires == 900


def test_the_environment_wins_over_the_file(tmp_path: Path):
    (tmp_path / ".env").write_text("PORT=9001\nLOG_LEVEL=debug\n")

    settings = read({"PORT": "9002"}, tmp_path / ".env")

    assert (settings.port, settings.log_level) == (9002, "DEBUG")


def test_gates_are_told_the_address_of_the_broker_without_our_account_in_it():
    inner = given(MQTT_URL="mqtt://svc:secret@broker:1883")
    outer = given(MQTT_URL="mqtt://broker:1883", MQTT_PUBLIC_URL="mqtts://gates.example:8883")

    assert inner.mqtt_public_url == "mqtt://broker:1883"
    assert outer.mqtt_public_url == "mqtts://gates.example:8883"
    assert given().mqtt_public_url == ""


def test_an_empty_variable_counts_as_absent():
    assert given(PORT="", DATABASE_URL="").port == 8080


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_any_form_of_database_address_is_understood(scheme: str):
    settings = given(DATABASE_URL=f"{scheme}://me:pw@db:5433/house?sslmode=require")

    assert settings.database_url == "postgresql+asyncpg://me:pw@db:5433/house?sslmode=require"


def test_the_database_address_is_made_of_its_parts():
    settings = given(POSTGRES_HOST="db", POSTGRES_USER="me", POSTGRES_PASSWORD="p/w@d", POSTGRES_DB="house")

    assert settings.database_url == "postgresql+asyncpg://me:p%2Fw%40d@db:5432/house"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PORT", "eighty", "PORT must be a whole number from 1 to 65535; 'eighty' is not"),
        ("PORT", "70000", "PORT must be a whole number"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "-5", "JWT_ACCESS_TOKEN_EXPIRES must be a whole number"),
        ("ENVIRONMENT", "prod", "ENVIRONMENT must be one of development, test, production; 'prod' is not"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of DEBUG, INFO"),
        (
            "DATABASE_URL",
            "mysql://me:pw@db/x",
            "DATABASE_URL must be an address that begins with postgresql://",
        ),
        ("MQTT_URL", "broker:1883", "MQTT_URL must be an address that begins with mqtt:// or mqtts://"),
        ("REDIS_URL", "memory", "REDIS_URL must be an address that begins with redis://"),
        (
            "MQTT_URL",
            "mqtt://broker:99999",
            "MQTT_URL must be an address whose port is a whole number from 1 to 65535; 'mqtt://broker:99999' is not",
        ),
        ("MQTT_URL", "mqtt://svc:pw/x@broker:1883", "MQTT_URL must be an address whose port is"),
        ("MQTT_PUBLIC_URL", "mqtts://broker:", "MQTT_PUBLIC_URL must be an address whose port is"),
        ("MQTT_URL", "mqtt://:1883", "MQTT_URL must be an address whose host is a name or an IP"),
        ("MQTT_URL", "mqtt://a,b:1883", "MQTT_URL must be an address whose host is"),
        ("PUBLIC_URL", "https://", "PUBLIC_URL must be an address whose host is"),
        ("PUBLIC_URL", "https://[::1", "PUBLIC_URL must be an address whose host is"),
        ("DATABASE_URL", "postgresql://me:pw@db:port/x", "DATABASE_URL must be an address whose port is"),
        ("REDIS_URL", "redis://one:6379,two:0", "REDIS_URL must be an address whose port is"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_its_variable(name: str, text: str, message: str):
    with pytest.raises(BadSetting) as refusal:
        given(**{name: text})

    assert str(refusal.value).startswith(message)
    assert "pw" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MQTT_URL", "mqtt://svc:secret@[::1]:1883"),
        ("MQTT_URL", "MQTTS://broker"),
        ("REDIS_URL", "redis://one:6379,two:6379,three"),
        ("REDIS_URL", "rediss://:password@redis:6380?ssl_ca_certs=/a/b"),
        ("REDIS_URL", "redis:///1"),
        ("REDIS_URL", "unix:///run/redis.sock"),
        ("DATABASE_URL", "postgresql+asyncpg://me:p/w@db/x"),
        ("DATABASE_URL", "postgresql+asyncpg://me@/house?host=/run/postgresql&port=5433"),
        ("PUBLIC_URL", "https://house.example.com:8443/start"),
    ],
)
def test_an_address_may_be_written_in_every_way_there_is(name: str, text: str):
    assert getattr(given(**{name: text}), name.lower()) == text


@pytest.mark.parametrize("secret", ["", "your-secret-key", "short", "a" * 64, "gatehouse-demo"])
def test_production_refuses_a_missing_sample_or_short_secret(secret: str):
    with pytest.raises(BadSetting, match="JWT_SECRET_KEY"):
        given(ENVIRONMENT="production", JWT_SECRET_KEY=secret)


def test_production_refuses_the_samples_of_other_passwords():
    with pytest.raises(BadSetting, match="POSTGRES_PASSWORD"):
        given(
            ENVIRONMENT="production", JWT_SECRET_KEY=STRONG, POSTGRES_HOST="db", POSTGRES_PASSWORD="postgres"
        )
    with pytest.raises(BadSetting, match="MQTT_URL"):
        given(ENVIRONMENT="production", JWT_SECRET_KEY=STRONG, MQTT_URL="mqtt://svc:changeme@broker")


def test_production_starts_with_strong_ones():
    assert given(ENVIRONMENT="production", JWT_SECRET_KEY=STRONG).in_production


def test_in_development_a_secret_is_made_once_and_kept_for_its_owner_only(tmp_path: Path):
    environ = {"GATEHOUSE_DATA": str(tmp_path / "var")}

    first, second = load(environ, NOWHERE), load(environ, NOWHERE)

    assert len(first.jwt_secret_key) >= 32
    assert first == second
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "var" / "keys").iterdir()] == [0o600]


def test_processes_that_start_at_once_get_the_same_secret(tmp_path: Path):
    environ = {"GATEHOUSE_DATA": str(tmp_path)}
    found: list[str] = []

    threads = [
        threading.Thread(target=lambda: found.append(load(environ, NOWHERE).jwt_secret_key)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_secrets_are_not_shown():
    settings = given(
        JWT_SECRET_KEY=STRONG,
        SMTP_PASSWORD="mail-pw",
        DATABASE_URL="postgresql://me:db-pw@db/x",
        MQTT_URL="mqtt://s:mq-pw@b",
    )

    for shown in (repr(settings), str(settings), pretty_repr(settings)):
        assert not any(secret in shown for secret in (STRONG, "mail-pw", "db-pw", "mq-pw"))
        assert "me:(hidden)@db" in shown


def test_shards_are_numbers_with_commas():
    assert read({}, NOWHERE).ingest_shards == ()
    assert read({"INGEST_SHARDS": "0, 2"}, NOWHERE).ingest_shards == (0, 2)
    with pytest.raises(BadSetting, match="INGEST_SHARDS must be whole numbers from 0 to 999"):
        read({"INGEST_SHARDS": "1,1000"}, NOWHERE)


def test_the_data_directory_is_known_even_when_other_settings_are_bad():
    assert data_directory({"PORT": "x", "GATEHOUSE_DATA": "/srv/house"}, NOWHERE) == Path("/srv/house")


def test_the_documentation_has_the_table():
    assert as_markdown() in (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def test_every_setting_has_a_meaning_that_is_a_sentence():
    assert all(one.meaning.endswith(".") for one in SETTINGS)
