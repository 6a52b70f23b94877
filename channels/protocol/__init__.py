"""The Centrifuge client protocol: messages as Structs, codecs that carry them, and its closed code tables."""

from channels.protocol.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from channels.protocol.exceptions import Disconnect, ProtocolError

__all__ = ["Disconnect", "DisconnectCode", "ErrorCode", "ProtocolError", "UnsubscribeCode"]
