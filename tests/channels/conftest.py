"""A Redis for this folder, and the two brokers under one name."""

from tests.redis_fixtures import redis_server

__all__ = ["redis_server"]
