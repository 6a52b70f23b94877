"""Password hashing by argon2id in a bounded thread pool, off the event loop and off any database connection."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and verifies. The defaults are the OWASP cheat sheet's smaller argon2id profile: 19 MiB, t=2, p=1."""

    def __init__(self, *, memory_kib: int = 19_456, rounds: int = 2, threads: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether ``password`` is the one. Without a stored hash the same time is spent and the answer is no."""
        verify = asyncio.get_running_loop().run_in_executor(
            self._pool, self._verify, stored or self._nobody, password
        )
        return await verify and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
