"""Where a new follower stands in the channel's history, and what it is given of it.

1. Whether somebody looks for gaps, and whether the client may go on later where it was, is forced by the channel or
   wished by the client.
2. `stream` recovers all that was missed after the client's position, or nothing.
3. `cache` gives everybody the latest publication, unless that is where they stand.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from channels import delta
from channels.broadcast import delta_publication_message, publication_message
from channels.effects import Read, Top
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError
from channels.protocol.messages import Publication as PublicationMessage
from channels.protocol.messages import Subscribe, SubscribeResult, payload
from channels.recovery import MOST_RECOVERED, latest, recovered
from channels.stream import History, Position, Publication
from channels.subscription import Subscription

REJECT_UNRECOVERED: Final = 2  # flag bit: answer 112 where the position cannot be recovered
FOSSIL: Final = "fossil"
LARGEST_PAIR: Final = 16 * 1024
"""Bytes of two publications that are recovered as a difference."""


def position_question(
    subscription: Subscription, wish: Subscribe, result: SubscribeResult
) -> Read | Top | None:
    """Decide what is kept of a position, and return what to ask the broker; None where nobody looks for gaps."""
    opening = subscription.opening
    if opening.history is None:
        return None
    may_wish = opening.may_read_history
    result.recoverable = opening.recoverable or (may_wish and wish.recoverable)
    result.positioned = result.recoverable or opening.positioned or (may_wish and wish.positioned)
    if not result.positioned:
        return None
    result.was_recovering = result.recoverable and wish.recover
    subscription.delta = result.delta = opening.delta and wish.delta == FOSSIL
    if result.recoverable and opening.recovery == "cache":
        return Read(subscription.channel, None, 1, True)
    if result.was_recovering:
        return Read(subscription.channel, Position(wish.offset, wish.epoch), MOST_RECOVERED)
    return Top(subscription.channel)


def take_position(
    subscription: Subscription, wish: Subscribe, result: SubscribeResult, answer: History | Position
) -> None:
    """Put the follower where the broker's answer says; raises 112 where the client wants to recover or nothing."""
    if isinstance(answer, Position):
        begin = subscription.position = answer
    else:
        begin = subscription.position = answer.top
        since = Position(wish.offset, wish.epoch) if result.was_recovering else None
        if subscription.opening.recovery == "cache":
            missed = latest(answer, since)
        else:
            assert since is not None
            missed = recovered(answer, since)
            if missed is None and wish.flag & REJECT_UNRECOVERED:
                raise ProtocolError(ErrorCode.UNRECOVERABLE_POSITION)
            # The client moves on from the offset it asked for as it takes the publications.
            begin = answer.top if missed is None else since
        if missed is not None:
            result.recovered = True
            result.publications = _replayed(subscription, missed)
    result.epoch, result.offset = subscription.position.epoch, begin.offset


def _replayed(subscription: Subscription, missed: Sequence[Publication]) -> list[PublicationMessage]:
    if not subscription.delta:
        return [publication_message(publication) for publication in missed]
    subscription.base = missed[-1].data if missed else None
    return _chained(missed)


def _chained(missed: Sequence[Publication]) -> list[PublicationMessage]:
    """Write the first one whole, and each other as what has changed since the one before."""
    messages: list[PublicationMessage] = []
    previous: bytes | None = None
    for publication in missed:
        message = delta_publication_message(publication)
        patch = _patch(previous, publication.data) if previous is not None else None
        if patch is not None:
            message.data, message.delta = payload(patch), True
        messages.append(message)
        previous = publication.data
    return messages


def _patch(previous: bytes, current: bytes) -> bytes | None:
    """Make the difference of what is small; hundreds of others would hold everything up, and fill the memory."""
    return _remembered_patch(previous, current) if len(previous) + len(current) <= LARGEST_PAIR else None


@lru_cache(maxsize=MOST_RECOVERED)
def _remembered_patch(previous: bytes, current: bytes) -> bytes | None:
    """Remembered, since after a restart many come back who have missed the same."""
    return delta.patch(previous, current)
