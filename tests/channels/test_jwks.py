"""Keys that a signer publishes at an address: read, kept, changed, and not asked for too often."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from channels.jwks import FRESH_S, GOOD_S, PAUSE_S, PublishedKeys
from channels.tokens import BadToken, KeysUnavailable, Tokens

SECRET = "a secret of 64 bytes, so that it is long enough for each of HS*."


class Signer:
    """Somebody who publishes keys over HTTP, and signs."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.published: Any = None
        self.asked = 0
        self.status = 200
        signer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                signer.asked += 1
                body = signer.document()
                self.send_response(signer.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def document(self) -> bytes:
        if self.published is not None:
            return (
                json.dumps(self.published).encode()
                if not isinstance(self.published, bytes)
                else self.published
            )
        return json.dumps({"keys": [self._public(kid, key) for kid, key in self.keys.items()]}).encode()

    def _public(self, kid: str, key: Any) -> dict[str, Any]:
        algorithm: Any = (
            jwt.algorithms.RSAAlgorithm if hasattr(key, "key_size") else jwt.algorithms.OKPAlgorithm
        )
        return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def sign(self, kid: str, algorithm: str = "EdDSA") -> str:
        return jwt.encode({"sub": "ann"}, self.keys[kid], algorithm=algorithm, headers={"kid": kid})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def signer() -> Iterator[Signer]:
    one = Signer()
    one.keys["first"] = Ed25519PrivateKey.generate()
    yield one
    one.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(signer: Signer, clock: Clock) -> Tokens:
    return Tokens(PublishedKeys(signer.url, clock=clock))


async def test_published_keys_are_believed_and_read_once(signer, tokens):
    for _ in range(3):
        assert (await tokens.connection(signer.sign("first"))).sub == "ann"
    assert signer.asked == 1


async def test_a_new_key_is_found_when_it_is_named(signer, tokens, clock):
    await tokens.connection(signer.sign("first"))
    signer.keys = {"second": generate_private_key(65537, 2048)}
    clock.now += PAUSE_S
    assert await tokens.connection(signer.sign("second", "RS256"))
    assert signer.asked == 2


async def test_unknown_names_do_not_have_keys_read_again_and_again(signer, tokens, clock):
    await tokens.connection(signer.sign("first"))
    signer.keys["foreign"] = Ed25519PrivateKey.generate()
    token = signer.sign("foreign")
    del signer.keys["foreign"]
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            await tokens.connection(token)
    assert signer.asked == 1
    clock.now += PAUSE_S
    with pytest.raises(BadToken):
        await tokens.connection(token)
    assert signer.asked == 2


async def test_a_key_that_was_withdrawn_is_believed_no_longer(signer, tokens, clock):
    token = signer.sign("first")
    await tokens.connection(token)
    signer.keys = {"second": Ed25519PrivateKey.generate()}
    clock.now += FRESH_S + 1
    with pytest.raises(BadToken):
        await tokens.connection(token)


async def test_known_keys_outlive_an_address_that_does_not_answer(signer, tokens, clock):
    token = signer.sign("first")
    await tokens.connection(token)
    signer.status = 500
    clock.now += FRESH_S + 1
    assert await tokens.connection(token)
    clock.now += GOOD_S
    with pytest.raises(KeysUnavailable):
        await tokens.connection(token)


@pytest.mark.parametrize("published", [b"<html>", b"\xff", [], {"keys": []}, {"keys": [7]}, {}])
async def test_what_is_no_set_of_keys_is_none(signer, tokens, published):
    signer.published = published
    with pytest.raises(KeysUnavailable):
        await tokens.connection(signer.sign("first"))


async def test_a_published_secret_signs_nothing(signer, tokens):
    secret = jwt.algorithms.HMACAlgorithm.to_jwk(SECRET, as_dict=True)
    signer.published = {"keys": [{**secret, "kid": "first"}, signer._public("other", signer.keys["first"])]}
    token = jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256", headers={"kid": "first"})
    with pytest.raises(BadToken):
        await tokens.connection(token)


async def test_a_key_is_good_for_its_own_algorithm_alone(signer, tokens):
    rsa = generate_private_key(65537, 2048)
    token = jwt.encode({"sub": "ann"}, rsa, algorithm="RS256", headers={"kid": "first"})
    with pytest.raises(BadToken):
        await tokens.connection(token)


async def test_a_token_that_names_no_key_is_refused_without_asking(signer, tokens):
    token = jwt.encode({"sub": "ann"}, signer.keys["first"], algorithm="EdDSA")
    with pytest.raises(BadToken):
        await tokens.connection(token)
    assert signer.asked == 0


async def test_an_address_that_is_not_http_is_refused_at_once():
    with pytest.raises(jwt.PyJWKClientError):
        PublishedKeys("file:///etc/passwd")
