"""Telling others who comes and who goes; the presence itself is entered where a channel begins to be followed."""

from typing import TYPE_CHECKING

from channels.effects import Announce, Leave, Steps
from channels.stream import Joined, Left
from channels.subscription import Subscription

if TYPE_CHECKING:
    from channels.session import Session


def join(session: "Session", subscription: Subscription) -> Steps[None]:
    """Tell others that somebody follows the channel now."""
    subscription.joined = True
    yield Announce(subscription.channel, Joined(session.client_info(subscription)))


def depart(session: "Session", subscription: Subscription) -> Steps[None]:
    """End the presence, and tell others who were told of the beginning."""
    info = session.client_info(subscription)
    if subscription.present:
        yield Leave(subscription.channel, info.client)
    if subscription.joined:
        yield Announce(subscription.channel, Left(info))
