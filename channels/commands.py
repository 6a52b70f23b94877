"""Which command is answered by what; this table is all there is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from channels import connecting, inquiries, publishing, subscribing
from channels.effects import Steps
from channels.protocol import messages
from channels.protocol.messages import Message, Reply

if TYPE_CHECKING:
    from channels.session import Session

Handler = Callable[["Session", Message], Steps[Reply] | Steps[None]]

HANDLERS: Final[dict[type[Message], Handler]] = {
    messages.Connect: connecting.connect,
    messages.Refresh: connecting.refresh,
    messages.Subscribe: subscribing.subscribe,
    messages.Unsubscribe: subscribing.unsubscribe,
    messages.SubRefresh: subscribing.sub_refresh,
    messages.History: inquiries.history,
    messages.Presence: inquiries.presence,
    messages.PresenceStats: inquiries.presence_stats,
    messages.Rpc: inquiries.rpc,
    messages.Publish: publishing.publish,
    messages.Send: publishing.send,
    messages.Ping: inquiries.not_served,
}
