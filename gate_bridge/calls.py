"""How the bridge asks the domain."""

from typing import Any, Protocol

import msgspec

from domain.kernel.caller import Caller
from domain.kernel.leases import Term
from domain.kernel.runtime import Runtime


class Asks(Protocol):
    """Performs an operation with members that are Structs already."""

    async def __call__(self, caller: Caller, name: str, **members: Any) -> Any:
        """Return the operation's answer."""


def asks(runtime: Runtime, *, under: Term | None = None) -> Asks:
    """Return the bridge's way into the runtime: members go in as they are, nothing is decoded twice.

    What is written ``under`` a term is refused once the term is over.
    """

    async def ask(caller: Caller, name: str, **members: Any) -> Any:
        arguments: msgspec.Struct = runtime.operations[name].params(**members)
        return await runtime.call(caller, name, arguments, under=under)

    return ask
