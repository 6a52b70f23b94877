"""Telling others who comes and who goes; the presence itself is entered where a channel begins to be followed."""

from typing import TYPE_CHECKING

from channels.effects import Announce, Leave, Steps
from channels.protocol.exceptions import FabricError
from channels.stream import Joined, Left
from channels.subscription import Subscription

if TYPE_CHECKING:
    from channels.session import Session


def join(session: "Session", subscription: Subscription) -> Steps[None]:
    """Tell others that somebody follows the channel now."""
    subscription.joined = True
    yield Announce(subscription.channel, Joined(session.client_info(subscription)))


def depart(session: "Session", subscription: Subscription) -> Steps[None]:
    """End the presence, and tell others who were told of the beginning.

    A client that unsubscribes and hangs up cuts this off in the middle, so the session remembers who is departing.
    """
    session.departing = subscription
    try:
        if subscription.present:
            yield Leave(subscription.channel, session.client)
            subscription.present = False
        if subscription.joined:
            yield Announce(subscription.channel, Left(session.client_info(subscription)))
            subscription.joined = False
    except FabricError:
        session.departing = None
        raise
    session.departing = None
