"""Bytes that only we can have made: a body with its MAC, as text for a URL or a JSON member."""

import base64
import binascii
import hmac

MAC_SIZE = 32


def seal(key: bytes, body: bytes) -> str:
    """Return ``body`` with its HMAC-SHA256, in base64url."""
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).decode().rstrip("=")


def unsealed(token: str, size: int) -> bytes | None:
    """Return the body of ``size`` bytes that a token claims to hold, or None where it cannot be one of ours."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return sealed[:size] if len(sealed) == size + MAC_SIZE else None


def genuine(key: bytes, token: str, body: bytes) -> bool:
    """Tell whether ``token`` is exactly what ``seal`` makes of ``body``, in constant time."""
    return hmac.compare_digest(seal(key, body).encode(), token.encode())
