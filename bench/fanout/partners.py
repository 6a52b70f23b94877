"""The users of a partner: their tokens, and the channels they follow."""

import time
from pathlib import Path

import jwt

from channels.stream import HistoryPolicy

SECRET = "a secret of benchmarks, long enough"
USERS = 10_000
LASTS_S = 3600
KEPT = HistoryPolicy(size=300, ttl_s=300)
NAMESPACES = {
    "namespaces": {
        "news": {
            "history_size": KEPT.size,
            "history_ttl_s": KEPT.ttl_s,
            "force_recovery": True,
            "allow_subscribe_for_client": True,
        }
    }
}
SHARED = ("news:all", "news:sport", "news:weather")
"""What everybody follows; the messages of the rounds come on the first."""
WITH_OWN = ("news:all", "news:sport", "news:of%")
"""The same with a channel that nobody else follows in place of the last."""


def write_tokens(file: Path) -> Path:
    """Write a connection token of each user, as a partner's back end signs them."""
    ends = int(time.time()) + LASTS_S
    texts = (jwt.encode({"sub": f"user{n}", "exp": ends}, SECRET, algorithm="HS256") for n in range(USERS))
    file.write_text("\n".join(texts) + "\n")
    return file
