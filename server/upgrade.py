"""uvicorn's WebSocket protocol, for clients as they are: pass its class as uvicorn's `ws`."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

OFFER = "Sec-WebSocket-Protocol"
ABORT_S = 5.0


class WebSocketUpgrade(WebSocketsSansIOProtocol):
    """Accept what real SDKs send, and let go of peers that read nothing."""

    def handle_connect(self, event: Request) -> None:
        """Drop an empty offer of subprotocols, which centrifuge-python before 0.6.1 sends: it would be answered 400."""
        offers = [offer for offer in event.headers.get_all(OFFER) if offer.strip()]
        if not offers and OFFER in event.headers:
            del event.headers[OFFER]
        super().handle_connect(event)

    async def run_asgi(self) -> None:
        """Serve, and cut the line of a peer that does not take its last bytes: closing would wait for it for ever."""
        await super().run_asgi()
        self.loop.call_later(self.close_timeout + ABORT_S, self.transport.abort)
