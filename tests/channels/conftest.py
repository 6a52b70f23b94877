"""A Redis and a cluster for this folder."""

from tests.redis_fixtures import redis_cluster, redis_server

__all__ = ["redis_cluster", "redis_server"]
