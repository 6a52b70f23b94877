"""What puts a gate out of order: an error of its journal, whoever it was that met it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Breakage:
    """Of one life of a gate; a gate that is out of order ends alone, and starts anew."""

    def __init__(self) -> None:
        self._errors = list[sqlite3.Error]()
        self._happened = asyncio.Event()

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Remembers an error of the journal, and hands it on to whoever met it."""
        try:
            yield
        except sqlite3.Error as error:
            self._errors.append(error)
            self._happened.set()
            raise

    async def ends(self) -> NoReturn:
        """Raises the first error once there is one."""
        await self._happened.wait()
        raise self._errors[0]
