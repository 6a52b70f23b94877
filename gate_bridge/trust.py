"""Whom a connection to the broker trusts."""

import socket
import ssl
from typing import Any


class _Trust(ssl.SSLContext):
    """Shakes hands while wrapping: then a failed handshake closes its socket, which paho forgets to do."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:  # Any: as given
        return super().wrap_socket(sock, *args, **(options | {"do_handshake_on_connect": True}))


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Returns whom to trust: the authorities of a file, or else those of this machine."""
    context = _Trust(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca_file)
    return context
