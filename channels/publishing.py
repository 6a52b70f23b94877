"""What clients publish in channels, and what they send to the application alone."""

from typing import TYPE_CHECKING

from channels.effects import Hear, Propose, Publish, Steps
from channels.host import Publishing
from channels.protocol import messages
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError
from channels.protocol.messages import Done, Message, Reply
from channels.subscribing import check_name
from channels.subscription import Phase

if TYPE_CHECKING:
    from channels.session import Session


def publish(session: "Session", request: Message) -> Steps[Reply]:
    """Publish in the client's name what the application makes of it."""
    assert isinstance(request, messages.Publish) and session.identity is not None
    check_name(session, request.channel)
    data = bytes(request.data)
    if request.type:
        raise ProtocolError(ErrorCode.NOT_AVAILABLE)
    if not data:
        raise ProtocolError(ErrorCode.BAD_REQUEST)
    subscription = session.subscriptions.get(request.channel)
    follows = subscription is not None and subscription.phase is Phase.LIVE
    granted = follows and subscription is not None and subscription.opening.may_publish
    publishing: Publishing = yield Propose(session.identity, request.channel, data, granted)
    yield Publish(request.channel, publishing, session.client_info(subscription))
    return Reply(publish=Done())


def send(session: "Session", request: Message) -> Steps[None]:
    """Hand a message to the application; nobody is answered, also where it is refused."""
    assert isinstance(request, messages.Send) and session.identity is not None
    yield Hear(session.identity, bytes(request.data))
