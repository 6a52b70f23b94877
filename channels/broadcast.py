"""One delivery on its way to many followers: written once for each codec, however many read it."""

from channels.protocol.codec import Codec
from channels.protocol.messages import DeltaPublication, Presented, Push, Reply, payload
from channels.protocol.messages import Publication as PublicationMessage
from channels.stream import Delivery, Joined, Left, Publication


def publication_message(publication: Publication) -> PublicationMessage:
    """Put a publication into the words of the protocol, its payload untouched."""
    return PublicationMessage(
        data=payload(publication.data),
        info=publication.info,
        offset=publication.offset,
        tags=publication.tags,
    )


def delta_publication_message(publication: Publication) -> DeltaPublication:
    """Put a whole publication into the words of the protocol, for somebody who reads differences."""
    return DeltaPublication(
        data=payload(publication.data),
        info=publication.info,
        offset=publication.offset,
        tags=publication.tags,
    )


class Broadcast:
    """A delivery of a channel and the frames made of it so far."""

    __slots__ = ("_messages", "channel", "delivery")

    def __init__(self, channel: str, delivery: Delivery) -> None:
        self.channel = channel
        self.delivery = delivery
        self._messages: dict[str, bytes] = {}

    def message(self, codec: Codec) -> bytes:
        """The push in the words of ``codec``."""
        message = self._messages.get(codec.name)
        if message is None:
            message = self._messages[codec.name] = codec.encode(Reply(push=self._push()))
        return message

    def delta_message(self, codec: Codec, previous: bytes | None) -> bytes:
        """The push for somebody who reads differences to ``previous``; None writes all of it."""
        if not isinstance(self.delivery, Publication):
            return self.message(codec)
        whole = delta_publication_message(self.delivery)
        return codec.encode(Reply(push=Push(channel=self.channel, pub=whole)))

    def _push(self) -> Push:
        match self.delivery:
            case Publication() as publication:
                return Push(channel=self.channel, pub=publication_message(publication))
            case Joined(info=info):
                return Push(channel=self.channel, join=Presented(info=info))
            case Left(info=info):
                return Push(channel=self.channel, leave=Presented(info=info))
