"""Partners are made of the settings, and what cannot be used is named."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.protocol import Disconnect
from gatehouse.partners import partners_of
from gatehouse.settings import BadSetting, Settings, read
from server.realtime import Partners

STRONG = "kR7vQ2mZ9xW4tY8uB3nC6pL1sD5fG0hJ-aEiOq"


def given(**environ: object) -> Settings:
    return read({name: str(value) for name, value in environ.items()}, Path("/nonexistent/.env"))


def partners(**environ: object) -> Partners:
    found = partners_of(given(**environ))
    assert found is not None
    return found


def public(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_without_settings_there_are_none():
    assert partners_of(given()) is None


def test_a_key_alone_turns_the_server_api_on():
    found = partners(HUB_API_KEY=STRONG)
    assert found.api_key == STRONG and not found.host.namespaces.namespaces


def test_a_file_declares_namespaces(tmp_path: Path):
    (tmp_path / "hub.toml").write_text("[namespaces.chat]\npresence = true\n")
    found = partners(HUB_CONFIG=tmp_path / "hub.toml")
    assert found.host.namespaces.namespaces["chat"].presence and found.api_key is None


async def test_each_kind_of_key_is_believed(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(public(key))
    found = partners(HUB_TOKEN_HMAC_SECRET=STRONG, HUB_TOKEN_PUBLIC_KEY_FILE=tmp_path / "key.pem")
    for signer, algorithm in ((STRONG, "HS256"), (key, "EdDSA")):
        token = jwt.encode({"sub": "ann"}, signer, algorithm=algorithm)
        assert (await found.host.connect(token, b"")).user == "ann"


async def test_audience_and_issuer_are_demanded():
    found = partners(HUB_TOKEN_HMAC_SECRET=STRONG, HUB_TOKEN_AUDIENCE="hub", HUB_TOKEN_ISSUER="shop")
    with pytest.raises(Disconnect):
        await found.host.connect(jwt.encode({"sub": "ann", "aud": "hub"}, STRONG), b"")
    token = jwt.encode({"sub": "ann", "aud": "hub", "iss": "shop"}, STRONG)
    assert (await found.host.connect(token, b"")).user == "ann"


def test_keys_may_be_published_somewhere():
    assert partners_of(given(HUB_TOKEN_JWKS_URL="https://shop.example/jwks.json")) is not None
    with pytest.raises(BadSetting, match="HUB_TOKEN_JWKS_URL"):
        given(HUB_TOKEN_JWKS_URL="file:///etc/passwd")


@pytest.mark.parametrize("content", [b"", b"no key", public(X25519PrivateKey.generate())])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "key.pem"
    if content:
        path.write_bytes(content)
    with pytest.raises(BadSetting, match="HUB_TOKEN_PUBLIC_KEY_FILE"):
        partners_of(given(HUB_TOKEN_PUBLIC_KEY_FILE=path))


def test_a_bad_field_is_named(tmp_path: Path):
    (tmp_path / "hub.toml").write_text('[namespaces.chat]\nhistory_size = "many"\n')
    with pytest.raises(BadSetting, match=r"HUB_CONFIG.*namespaces\.chat\.history_size"):
        partners_of(given(HUB_CONFIG=tmp_path / "hub.toml"))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[namespaces.access]\n", "namespaces.access"),
        ("subscribe_to_user_personal_channel = true\n", "personal_channel_namespace"),
        ('rpc_operations = ["identity.me"]\n', "rpc_operations"),
    ],
)
def test_what_is_ours_cannot_be_claimed(tmp_path: Path, content: str, named: str):
    (tmp_path / "hub.toml").write_text(content)
    with pytest.raises(BadSetting, match=f"HUB_CONFIG.*{named}"):
        partners_of(given(HUB_CONFIG=tmp_path / "hub.toml"))


def test_production_refuses_to_let_everybody_in(tmp_path: Path):
    (tmp_path / "hub.toml").write_text("insecure = true\n")
    settings = {"HUB_CONFIG": tmp_path / "hub.toml", "JWT_SECRET_KEY": STRONG}
    assert partners_of(given(**settings)) is not None
    with pytest.raises(BadSetting, match="insecure"):
        partners_of(given(**settings, ENVIRONMENT="production"))


@pytest.mark.parametrize("name", ["HUB_API_KEY", "HUB_TOKEN_HMAC_SECRET"])
def test_production_refuses_weak_secrets(name: str):
    with pytest.raises(BadSetting, match=name):
        given(**{name: "secret", "JWT_SECRET_KEY": STRONG, "ENVIRONMENT": "production"})
    assert "secret" not in repr(given(**{name: "secret"})).replace("secret_key", "").replace(
        "hmac_secret", ""
    )
