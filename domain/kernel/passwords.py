"""Password hashing by argon2id in a bounded thread pool, off the event loop and off any database connection."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.kernel.errors import Busy

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. The defaults are the OWASP cheat sheet's smaller argon2id profile: 19 MiB, t=2, p=1.

    ``threads`` work at once and at most ``waiting`` more wait their turn; whoever comes then is refused, so that a
    flood of logins costs bounded time and memory.
    """

    def __init__(
        self, *, memory_kib: int = 19_456, rounds: int = 2, threads: int = 2, waiting: int = 200
    ) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody has this password")
        self._most = threads + waiting
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            Busy: Too many wait already.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether ``password`` is the one. Without a stored hash the same time is spent and the answer is no.

        Raises:
            Busy: Too many wait already.
        """
        right = await self._run(lambda: self._verify(stored or self._nobody, password))
        return right and bool(stored)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise Busy("Too many people sign in at once", retry_after_s=2)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
