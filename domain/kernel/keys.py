"""Keys derived from the one secret of the installation, each for one purpose."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Keys:
    """Derives keys by HKDF-SHA256 (RFC 5869); purposes never share one."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def derive(self, purpose: str) -> bytes:
        """Return the 32 bytes that belong to ``purpose``."""
        return HKDF(SHA256(), 32, salt=None, info=f"gatehouse/1/{purpose}".encode()).derive(self._secret)

    def signing(self, purpose: str) -> Ed25519PrivateKey:
        """Return the Ed25519 key that belongs to ``purpose``."""
        return Ed25519PrivateKey.from_private_bytes(self.derive(purpose))


RandomBytes = Callable[[int], bytes]
