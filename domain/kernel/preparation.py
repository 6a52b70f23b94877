"""What an operation's ``prepare`` may touch: slow work such as hashing is done there, before a connection is held."""

from dataclasses import dataclass
from datetime import datetime

from domain.kernel.caller import Caller
from domain.kernel.database import Sessions
from domain.kernel.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """One caller, one instant, the tools, and short reads: ``async with before.readers() as db``.

    The reading ends before the slow part begins. What ``prepare`` reads may have changed when the operation runs;
    the operation looks again, under its locks.
    """

    caller: Caller
    now: datetime
    tools: Tools
    readers: Sessions
