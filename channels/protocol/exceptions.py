"""How a refusal travels inside the server: as an answer to one command, or as the end of the connection.

FabricError
├── ProtocolError   the reply carries the error, the connection goes on
└── Disconnect      the connection is closed with the code
"""

from channels.protocol.codes import DisconnectCode, ErrorCode


class FabricError(Exception):
    """Anything that the fabric tells a client instead of what it asked for."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{int(code)} {message}")
        self.code = int(code)
        self.message = message


class ProtocolError(FabricError):
    """Refuse one command. Applications use codes 400 to 1999; ``temporary`` has the SDK try again."""

    def __init__(self, code: int, message: str = "", *, temporary: bool | None = None) -> None:
        known = code if isinstance(code, ErrorCode) else next((e for e in ErrorCode if e == code), None)
        super().__init__(code, message or (known.message if known else "refused"))
        self.temporary = bool(known and known.temporary) if temporary is None else temporary


class Disconnect(FabricError):
    """Close the connection. Applications use 4000 to 4499 (reconnect) and 4500 to 4999 (do not)."""

    def __init__(self, code: int, reason: str = "") -> None:
        known = next((entry for entry in DisconnectCode if entry == code), None)
        super().__init__(code, reason or (known.message if known else "closed"))

    @property
    def reason(self) -> str:
        """The words for the close frame."""
        return self.message
