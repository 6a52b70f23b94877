"""Rows that the kernel owns."""

from domain.kernel.followers import FollowerRow
from domain.kernel.idempotency import IdempotencyRow
from domain.kernel.leases import LeaseRow
from domain.kernel.log import FactRow, UnpublishedRow
from domain.kernel.queue import JobRow

__all__ = ["FactRow", "FollowerRow", "IdempotencyRow", "JobRow", "LeaseRow", "UnpublishedRow"]
