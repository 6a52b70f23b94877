"""Hands each message of /pub to all others: Starlette as its documentation shows it, one awaited send after another."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

subscribers: set[WebSocket] = set()


async def subscribe(websocket: WebSocket) -> None:
    await websocket.accept()
    subscribers.add(websocket)
    try:
        async for _ in websocket.iter_text():
            pass
    finally:
        subscribers.discard(websocket)


async def publish(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        for subscriber in list(subscribers):
            await subscriber.send_text(message)


app = Starlette(routes=[WebSocketRoute("/sub", subscribe), WebSocketRoute("/pub", publish)])

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
        backlog=4096,
    )
