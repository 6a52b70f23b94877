"""Tokens of partners: which signatures are believed, and what they say."""

import base64
import json
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.tokens import BadToken, ExpiredToken, FixedKeys, Tokens

NOW = 1_800_000_000.0
SECRET = "a secret of 64 bytes, so that it is long enough for each of HS*."
KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512"), "rsa"),
    "ES256": "p256",
    "ES384": "p384",
    "ES512": "p521",
    "EdDSA": "ed25519",
}


@cache
def private(kind: str) -> Any:
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p521":
            return ec.generate_private_key(ec.SECP521R1())
        case "ed448":
            return ed448.Ed448PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def pem(kind: str) -> bytes:
    found: bytes = private(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


def tokens(*, secret: str = SECRET, pem: bytes = b"", **options: Any) -> Tokens:
    return Tokens(FixedKeys(secret=secret, pem=pem), wall=lambda: NOW, **options)


def signed(algorithm: str = "HS256", key: Any = SECRET, **claims: Any) -> str:
    return jwt.encode({"sub": "ann", **claims}, key, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_shared_secret_signs(algorithm):
    assert (await tokens().connection(signed(algorithm))).sub == "ann"


@pytest.mark.parametrize("algorithm", KINDS)
async def test_a_private_key_signs(algorithm):
    kind = KINDS[algorithm]
    token = signed(algorithm, private(kind))
    assert (await tokens(secret="", pem=pem(kind)).connection(token)).sub == "ann"


async def test_ed448_signs_too():
    token = signed("EdDSA", private("ed448"))
    assert (await tokens(pem=pem("ed448")).connection(token)).sub == "ann"


@pytest.mark.parametrize("algorithm", KINDS)
async def test_a_signature_of_another_key_is_refused(algorithm):
    other = {"rsa": rsa.generate_private_key(65537, 2048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
    kind = KINDS[algorithm]
    key = other.get(kind) or ec.generate_private_key(private(kind).curve)
    with pytest.raises(BadToken):
        await tokens(pem=pem(kind)).connection(signed(algorithm, key))


async def test_a_public_key_is_no_shared_secret():
    # PyJWT would not sign so; an attacker does.
    def part(content: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": "ann"})
    mac = hmac.HMAC(pem("rsa"), hashes.SHA256())
    mac.update(text)
    token = (text + b"." + base64.urlsafe_b64encode(mac.finalize()).rstrip(b"=")).decode()
    for secret in ("", SECRET):
        with pytest.raises(BadToken):
            await tokens(secret=secret, pem=pem("rsa")).connection(token)


@pytest.mark.parametrize("header", ["none", "None", "NONE", "", "HS999", 7, None])
async def test_only_known_algorithms_are_algorithms(header):
    def part(content: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    for signature in ("", "AAAA"):
        token = f"{part({'alg': header, 'typ': 'JWT'})}.{part({'sub': 'ann'})}.{signature}"
        with pytest.raises(BadToken):
            await tokens(pem=pem("rsa")).connection(token)


async def test_a_key_is_good_for_its_own_curve_alone():
    with pytest.raises(BadToken):
        await tokens(pem=pem("p384")).connection(signed("ES256", private("p256")))


async def test_without_a_secret_none_is_believed():
    with pytest.raises(BadToken):
        await tokens(secret="", pem=pem("rsa")).connection(signed("HS256"))


async def test_a_changed_payload_is_refused():
    header, _, signature = signed().split(".")
    payload = signed(sub="bob").split(".")[1]
    with pytest.raises(BadToken):
        await tokens().connection(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "....", "\x00", "é.é.é", "x" * 20_000, signed()[:-3] + "===", "." + signed()]
)
async def test_what_is_no_token_is_refused(token):
    with pytest.raises(BadToken):
        await tokens().connection(token)


async def test_a_token_has_its_time():
    assert (await tokens().connection(signed(exp=NOW + 1, nbf=NOW))).expires_at == NOW + 1
    with pytest.raises(ExpiredToken):
        await tokens().connection(signed(exp=NOW))
    with pytest.raises(BadToken):
        await tokens().connection(signed(nbf=NOW + 1))


async def test_an_expired_token_of_somebody_else_is_bad_and_not_expired():
    with pytest.raises(BadToken) as refusal:
        await tokens().connection(
            signed(key="another secret of 64 bytes, which is not the one that is known..", exp=1)
        )
    assert not isinstance(refusal.value, ExpiredToken)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, None),
        ({"exp": NOW + 60}, NOW + 60),
        ({"exp": NOW + 60, "expire_at": NOW + 600}, NOW + 600),
        ({"exp": NOW + 60, "expire_at": 0}, None),
        ({"expire_at": NOW + 600}, NOW + 600),
    ],
)
async def test_what_is_opened_may_end_later_than_the_token(claims, expected):
    assert (await tokens().connection(signed(**claims))).expires_at == expected


async def test_an_audience_and_an_issuer_may_be_demanded():
    strict = tokens(audience="hub", issuer="shop")
    assert (await strict.connection(signed(aud="hub", iss="shop"))).sub == "ann"
    assert (await strict.connection(signed(aud=["other", "hub"], iss="shop"))).sub == "ann"
    for claims in (
        {},
        {"aud": "hub"},
        {"iss": "shop"},
        {"aud": "other", "iss": "shop"},
        {"aud": "hub", "iss": "x"},
    ):
        with pytest.raises(BadToken):
            await strict.connection(signed(**claims))


async def test_neither_kind_passes_for_the_other():
    with pytest.raises(BadToken):
        await tokens().connection(signed(channel="news"))
    with pytest.raises(BadToken):
        await tokens().subscription(signed())
    assert (await tokens().subscription(signed(channel="news"))).channel == "news"


@pytest.mark.parametrize(
    "claims", [{"sub": 7}, {"exp": "soon"}, {"channels": "news"}, {"subs": []}, {"expire_at": "never"}]
)
async def test_claims_of_the_wrong_type_are_refused(claims):
    payload = json.dumps({"sub": "ann", **claims}).encode()
    token = jwt.PyJWS().encode(payload, SECRET, "HS256")
    with pytest.raises(BadToken):
        await tokens().connection(token)


async def test_what_others_see_stays_as_it_was_written():
    payload = b'{"sub":"ann","info":{"name":"Ann",  "n":1.0},"b64info":""}'
    claims = await tokens().connection(jwt.PyJWS().encode(payload, SECRET, "HS256"))
    assert claims.shown == b'{"name":"Ann",  "n":1.0}'
    assert (await tokens().connection(signed(b64info="AAEC"))).shown == b"\x00\x01\x02"
    assert (await tokens().connection(signed())).shown is None
    with pytest.raises(BadToken):
        assert (await tokens().connection(signed(b64info="?"))).shown


async def test_newlines_between_words_are_left_out():
    payload = b'{"sub":"ann","info":{\n"name": "A\\n"\r\n}}'
    claims = await tokens().connection(jwt.PyJWS().encode(payload, SECRET, "HS256"))
    assert claims.shown == b'{"name": "A\\n"}'


async def test_server_side_subscriptions_are_read():
    claims = await tokens().connection(
        signed(
            channels=["news"],
            subs={"chat:1": {"info": {"x": 1}, "data": [1], "override": {"presence": {"value": True}}}},
        )
    )
    one = claims.subs["chat:1"]
    assert claims.channels == ["news"]
    assert (one.shown, one.told) == (b'{"x":1}', b"[1]")
    assert one.override is not None and one.override.presence is not None and one.override.presence.value
