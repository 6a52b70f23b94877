"""A Redis and a cluster for this folder, and every kind of broker."""

from tests.channels.brokers import broker, flush, heard, patience
from tests.redis_fixtures import redis_cluster, redis_server

__all__ = ["broker", "flush", "heard", "patience", "redis_cluster", "redis_server"]
