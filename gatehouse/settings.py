"""The environment and `.env`, read once into one frozen Struct; every setting is a row of one table."""

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from dotenv import dotenv_values

from gatehouse.readers import (
    PORT,
    POSTGRES,
    SECONDS,
    Reader,
    number_within,
    one_of,
    path_of,
    shards_of,
    text_of,
    url_of,
    words_of,
)

Environment = Literal["development", "test", "production"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
MailSecurity = Literal["none", "starttls", "tls"]
Choice = Literal["auto", "off"]


class BadSetting(ValueError):
    """A setting that cannot be used; the message names the variable and what it may be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of a process. None of an address means that it is served from within."""

    environment: Environment
    log_level: LogLevel
    host: str
    port: int
    health_port: int | None
    metrics_token: str | None
    drain_s: int
    public_url: str
    gatehouse_data: Path
    database_url: str | None
    redis_url: str | None
    mqtt_url: str | None
    mqtt_port: int
    mqtt_ca_file: Path | None
    ingest_shards: tuple[int, ...]
    mqtt_public_url: str
    mqtt_public_ca_file: Path | None
    jwt_secret_key: str
    jwt_access_token_expires: int
    jwt_refresh_token_expires: int
    trusted_proxies: tuple[str, ...]
    websocket_origins: tuple[str, ...]
    websocket_connections: int
    websocket_connects_per_second: int | None
    hub_config: Path | None
    hub_api_key: str | None
    hub_token_hmac_secret: str | None
    hub_token_public_key_file: Path | None
    hub_token_jwks_url: str | None
    hub_token_audience: str | None
    hub_token_issuer: str | None
    hub_io_uring: Choice
    smtp_host: str | None
    smtp_port: int
    smtp_user: str | None
    smtp_password: str | None
    smtp_from: str
    smtp_security: MailSecurity

    @property
    def in_production(self) -> bool:
        """Whether weak secrets and demo accounts are out of the question."""
        return self.environment == "production"

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [(name, _shown(name, getattr(self, name))) for name in self.__struct_fields__]


class Setting(msgspec.Struct, frozen=True):
    """One row: the variable, how its text is read, its default as text, and what it is for."""

    name: str
    read: Reader
    default: str
    meaning: str


SETTINGS = (
    Setting(
        "ENVIRONMENT",
        one_of(Environment, str.lower),
        "development",
        "`development`, `test` or `production`; the last refuses sample secrets.",
    ),
    Setting("LOG_LEVEL", one_of(LogLevel, str.upper), "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    Setting("HOST", text_of, "127.0.0.1", "Address the server listens on."),
    Setting(
        "PORT", PORT, "8080", "Port of HTTP and WebSocket; `gatehouse up` takes a free one when it is taken."
    ),
    Setting(
        "HEALTH_PORT",
        PORT,
        "",
        "Port where `ingest`, `decide` and `work` answer probes and show their metrics; empty: nowhere.",
    ),
    Setting(
        "METRICS_TOKEN",
        text_of,
        "",
        "Bearer token that Prometheus brings to `/metrics`; empty: only this very machine may look.",
    ),
    Setting(
        "DRAIN_S",
        number_within(0, 600),
        "10",
        "Seconds over which a hub that is told to end sends its sockets to others, before it finishes what runs.",
    ),
    Setting(
        "PUBLIC_URL",
        url_of("http", "https"),
        "",
        "Address people reach the server at, for links in mails; empty: made of `HOST` and `PORT`.",
    ),
    Setting("GATEHOUSE_DATA", path_of, "var", "Directory for everything `gatehouse up` keeps."),
    Setting(
        "TRUSTED_PROXIES",
        words_of,
        "",
        "Addresses or networks of load balancers whose X-Forwarded-For is believed, with commas.",
    ),
    Setting(
        "WEBSOCKET_ORIGINS",
        words_of,
        "",
        "Origins beside our own whose pages may open sockets, with commas; `*` stands for any part of a name.",
    ),
    Setting(
        "WEBSOCKET_CONNECTIONS",
        number_within(1, 10_000_000),
        "50000",
        "Sockets open at once in one process; more are refused with 503, as are those beyond the limit of open files.",
    ),
    Setting(
        "WEBSOCKET_CONNECTS_PER_SECOND",
        number_within(1, 1_000_000),
        "",
        "Sockets one process lets in per second, the rest is refused with 503; empty: as many as come.",
    ),
    Setting(
        "DATABASE_URL",
        url_of(*POSTGRES),
        "",
        "PostgreSQL 15 or newer; empty: made of `POSTGRES_*`, or an embedded server.",
    ),
    Setting("POSTGRES_HOST", text_of, "", "Host of PostgreSQL; only read without `DATABASE_URL`."),
    Setting("POSTGRES_PORT", PORT, "5432", "Port of PostgreSQL."),
    Setting("POSTGRES_USER", text_of, "gatehouse", "Account at PostgreSQL."),
    Setting("POSTGRES_PASSWORD", text_of, "", "Its password."),
    Setting("POSTGRES_DB", text_of, "gatehouse", "Name of the database."),
    Setting(
        "REDIS_URL",
        url_of("redis", "rediss", "unix"),
        "",
        "Redis 7 or newer, or members of a cluster, for more than one hub process; empty: channels live in memory.",
    ),
    Setting(
        "MQTT_URL",
        url_of("mqtt", "mqtts"),
        "",
        "Broker; without an account in it, those of `gatehouse broker-accounts`. Empty: an embedded broker.",
    ),
    Setting("MQTT_PORT", PORT, "1883", "Port of the embedded broker; a free one is taken when it is taken."),
    Setting(
        "MQTT_CA_FILE", path_of, "", "Certificate authority of an `mqtts://` broker; empty: the system's."
    ),
    Setting(
        "INGEST_SHARDS",
        shards_of,
        "",
        "Shards of sites that `gatehouse ingest` stands ready for, numbers with commas; empty: all that there are.",
    ),
    Setting(
        "MQTT_PUBLIC_URL",
        url_of("mqtt", "mqtts"),
        "",
        "Address gates reach the broker at, told to them when they enrol; empty: `MQTT_URL`, or the embedded broker.",
    ),
    Setting(
        "MQTT_PUBLIC_CA_FILE",
        path_of,
        "",
        "Certificate authority that gates check the broker by, told to them too; empty: they know it.",
    ),
    Setting(
        "JWT_SECRET_KEY",
        text_of,
        "",
        "Secret of all tokens, 32 characters or more; outside production one is made and kept.",
    ),
    Setting("JWT_ACCESS_TOKEN_EXPIRES", SECONDS, "900", "Seconds an access token is good for."),
    Setting(
        "JWT_REFRESH_TOKEN_EXPIRES", SECONDS, "604800", "Seconds a session lives without being refreshed."
    ),
    Setting(
        "HUB_CONFIG",
        path_of,
        "",
        "TOML or JSON file with the namespaces of partners' channels; see partners.md.",
    ),
    Setting("HUB_API_KEY", text_of, "", "Key of the server API for partners' back ends; empty: it is off."),
    Setting(
        "HUB_TOKEN_HMAC_SECRET", text_of, "", "Secret that partners sign HS256, HS384 or HS512 tokens with."
    ),
    Setting(
        "HUB_TOKEN_PUBLIC_KEY_FILE", path_of, "", "Public key (PEM) for RS, ES or EdDSA tokens of a partner."
    ),
    Setting(
        "HUB_TOKEN_JWKS_URL",
        url_of("http", "https"),
        "",
        "Where a partner publishes its public keys instead.",
    ),
    Setting("HUB_TOKEN_AUDIENCE", text_of, "", "What partners' tokens must have as `aud`; empty: anything."),
    Setting("HUB_TOKEN_ISSUER", text_of, "", "What partners' tokens must have as `iss`; empty: anything."),
    Setting(
        "HUB_IO_URING",
        one_of(Choice, str.lower),
        "auto",
        "`auto` sends to many sockets with one call where the kernel lets us, `off` to each by itself.",
    ),
    Setting("SMTP_HOST", text_of, "", "Mail server; empty: mails are only kept for the demo's mail page."),
    Setting("SMTP_PORT", PORT, "587", "Its port."),
    Setting("SMTP_USER", text_of, "", "Account there; empty: none."),
    Setting("SMTP_PASSWORD", text_of, "", "Its password."),
    Setting("SMTP_FROM", text_of, "Gatehouse <gatehouse@localhost>", "Sender of mails."),
    Setting("SMTP_SECURITY", one_of(MailSecurity, str.lower), "starttls", "`none`, `starttls` or `tls`."),
)

SAMPLES = frozenset(
    [
        *("your-secret-key", "your_secret_key", "secret-key", "secret", "changeme", "change-me", "change_me"),
        *("password", "postgres", "gatehouse", "gatehouse-demo", "example", "sample", "test"),
    ]
)
SHORTEST_SECRET = 32
SECRET_NAMES = frozenset(
    {"jwt_secret_key", "smtp_password", "metrics_token", "hub_api_key", "hub_token_hmac_secret"}
)


def load(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """Return the settings of this process; outside production a missing secret is made once and kept in the data.

    Raises: BadSetting.
    """
    settings = read(environ, dotenv)
    if settings.jwt_secret_key:
        return settings
    return msgspec.structs.replace(settings, jwt_secret_key=_kept_secret(settings.gatehouse_data))


def read(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """Return what the environment, and then `.env`, say, with nothing made up.

    Raises: BadSetting, naming the variable.
    """
    texts = _texts(environ, dotenv)
    values = {setting.name.lower(): _value(setting, texts) for setting in SETTINGS}
    values["database_url"] = _database_url(values)
    values["public_url"] = (values["public_url"] or f"http://{values['host']}:{values['port']}").rstrip("/")
    values["mqtt_public_url"] = values["mqtt_public_url"] or _without_account(values["mqtt_url"] or "")
    settings = Settings(**{name: values[name] for name in Settings.__struct_fields__})
    if settings.in_production:
        _refuse_weak_secrets(settings)
    return settings


def data_directory(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Path:
    """Return the data directory alone, for what must work when other settings are bad."""
    row = next(setting for setting in SETTINGS if setting.name == "GATEHOUSE_DATA")
    directory: Path = _value(row, _texts(environ, dotenv))
    return directory


def as_markdown() -> str:
    """Return the table of all settings for the documentation."""
    rows = [
        f"| `{one.name}` | {f'`{one.default}`' if one.default else ''} | {one.meaning} |" for one in SETTINGS
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _texts(environ: Mapping[str, str] | None, dotenv: Path) -> dict[str, str]:
    given = os.environ if environ is None else environ
    return {**{name: text for name, text in dotenv_values(dotenv).items() if text is not None}, **given}


def _value(setting: Setting, texts: Mapping[str, str]) -> Any:  # Any: of the type its row reads
    # An empty variable is an absent one, as compose files have it.
    text = texts.get(setting.name, "").strip() or setting.default
    if not text:
        if setting.read in (words_of, shards_of):
            return ()
        return (
            ""
            if setting.name in {"PUBLIC_URL", "MQTT_PUBLIC_URL", "JWT_SECRET_KEY", "POSTGRES_PASSWORD"}
            else None
        )
    try:
        return setting.read(text)
    except ValueError as problem:
        shown = (
            "that is set"
            if "SECRET" in setting.name or "PASSWORD" in setting.name
            else repr(_without_password(text))
        )
        raise BadSetting(f"{setting.name} must be {problem}; {shown} is not") from None


def _database_url(values: Mapping[str, Any]) -> str | None:
    url: str | None = values["database_url"]
    if url is not None:
        return "postgresql+asyncpg://" + url.partition("://")[2]
    if values["postgres_host"] is None:
        return None
    user, password = quote(values["postgres_user"], safe=""), quote(values["postgres_password"], safe="")
    account = f"{user}:{password}" if password else user
    place = f"{values['postgres_host']}:{values['postgres_port']}"
    return f"postgresql+asyncpg://{account}@{place}/{quote(values['postgres_db'], safe='')}"


def _refuse_weak_secrets(settings: Settings) -> None:
    secret = settings.jwt_secret_key
    how = "make one by: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    if not secret:
        raise BadSetting(f"JWT_SECRET_KEY must be set in production; {how}")
    for name, one in (
        ("JWT_SECRET_KEY", secret),
        ("HUB_API_KEY", settings.hub_api_key),
        ("HUB_TOKEN_HMAC_SECRET", settings.hub_token_hmac_secret),
    ):
        if one and (one.lower() in SAMPLES or len(one) < SHORTEST_SECRET or len(set(one)) < 8):
            raise BadSetting(f"{name} is a sample or too easy to guess for production; {how}")
    for name, url in (
        ("DATABASE_URL (or POSTGRES_PASSWORD)", settings.database_url),
        ("MQTT_URL", settings.mqtt_url),
    ):
        password = urlsplit(url or "").password
        if password is not None and password.lower() in SAMPLES:
            raise BadSetting(f"the password in {name} is a sample, which production refuses; choose another")


def _kept_secret(data: Path) -> str:
    """Return the secret kept in the data directory; of many processes that start at once, all get the same."""
    kept = data / "keys" / "jwt-secret"
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not kept.exists():
        descriptor, fresh = tempfile.mkstemp(dir=kept.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A link fails where a rename would replace what another process has made and used meanwhile.
        with suppress(FileExistsError):
            os.link(fresh, kept)
        os.unlink(fresh)
    return kept.read_text().strip()


def _shown(name: str, value: object) -> object:
    if name in SECRET_NAMES:
        return "(hidden)" if value else value
    return _without_password(value) if isinstance(value, str) and "://" in value else value


def _without_account(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_password(text: str) -> str:
    # Not by the rules of addresses: what breaks them is shown too, and may be a password with a slash in it.
    return re.sub(r"(://[^:@/]*):.*@", r"\1:(hidden)@", text)
