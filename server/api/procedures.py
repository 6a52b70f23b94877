"""Operations that back ends may run by `rpc`: those that the configuration names, as the service itself."""

import secrets
from collections.abc import Collection, Mapping

import msgspec

from channels.namespaces import BadNamespaces
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError
from domain.kernel.caller import SERVICE
from domain.kernel.errors import DomainError
from domain.kernel.operations import Operation
from server.api.methods import Procedure
from server.calls import Calls
from server.host import refused


def procedure_of(calls: Calls, allowed: Collection[str]) -> Procedure | None:
    """Return what runs the operations ``allowed``; None where there are none.

    Raises:
        BadNamespaces: One of them does not exist, or not for the service.
    """
    if not allowed:
        return None
    check_operations(allowed, calls.runtime.operations)

    async def run(method: str, data: bytes) -> bytes:
        if method not in allowed:
            raise ProtocolError(ErrorCode.NOT_AVAILABLE)
        try:
            answer = await calls.run(SERVICE, method, data, correlation=secrets.token_hex(8))
        except DomainError as refusal:
            raise refused(refusal) from refusal
        return msgspec.json.encode(answer)

    return run


def check_operations(allowed: Collection[str], operations: Mapping[str, Operation]) -> None:
    """Refuse names of what is no operation, or none of the service's; raises BadNamespaces."""
    for name in allowed:
        if name not in operations or "service" not in operations[name].allow:
            raise BadNamespaces(f"`rpc_operations` names {name!r}, which is no operation of the service")
