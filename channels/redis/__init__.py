"""The broker of many processes: streams, presence and deliveries in Redis, alone or as a cluster."""

from channels.redis.broker import RedisBroker

__all__ = ["RedisBroker"]
