"""Hands each message of /pub to all others: Django Channels with a group over Redis, served by Daphne."""

import sys

import django
from django.conf import settings

PORT, REDIS = int(sys.argv[1]), sys.argv[2]

LAYER = {
    "BACKEND": "channels_redis.core.RedisChannelLayer",
    "CONFIG": {"hosts": [REDIS], "capacity": 100_000},
}
settings.configure(
    SECRET_KEY="of benchmarks",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={"default": LAYER},
)
django.setup()

from daphne.server import Server  # noqa: E402
from django.urls import path  # noqa: E402

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  # after setup
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402


class Subscriber(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("all", self.channel_name)

    async def passed_on(self, event):
        await self.send(text_data=event["text"])


class Publisher(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("all", {"type": "passed.on", "text": text_data})


routes = URLRouter([path("sub", Subscriber.as_asgi()), path("pub", Publisher.as_asgi())])

if __name__ == "__main__":
    endpoint = f"tcp:port={PORT}:interface=127.0.0.1:backlog=4096"
    Server(ProtocolTypeRouter({"websocket": routes}), endpoints=[endpoint], verbosity=0).run()
