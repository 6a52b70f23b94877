"""One delivery on its way to many followers: written once for each codec, however many read it."""

from channels import delta
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

    __slots__ = ("_delta_messages", "_messages", "_patches", "channel", "delivery")

    def __init__(self, channel: str, delivery: Delivery) -> None:
        self.channel = channel
        self.delivery = delivery
        self._messages: dict[str, bytes] = {}
        self._delta_messages: dict[tuple[str, bytes | None], bytes] = {}
        self._patches: dict[bytes, bytes | None] = {}

    def message(self, codec: Codec) -> bytes:
        """The push in the words of ``codec``; raises Unwritable."""
        message = self._messages.get(codec.name)
        if message is None:
            message = self._messages[codec.name] = codec.encode(Reply(push=self._push()))
        return message

    def delta_message(self, codec: Codec, previous: bytes | None) -> bytes:
        """The push for somebody who reads differences to ``previous``; None writes all of it.

        Whoever cannot be sent all of it (Unwritable) is not sent a difference either.
        """
        if not isinstance(self.delivery, Publication):
            return self.message(codec)
        whole = self._delta_message(codec, self.delivery, None)
        if previous is None:
            return whole
        if previous not in self._patches:
            self._patches[previous] = delta.patch(previous, self.delivery.data)
        patch = self._patches[previous]
        return whole if patch is None else self._delta_message(codec, self.delivery, patch)

    def _delta_message(self, codec: Codec, publication: Publication, patch: bytes | None) -> bytes:
        message = self._delta_messages.get((codec.name, patch))
        if message is None:
            pub = delta_publication_message(publication)
            if patch is not None:
                pub.data, pub.delta = payload(patch), True
            message = codec.encode(Reply(push=Push(channel=self.channel, pub=pub)))
            self._delta_messages[codec.name, patch] = message
        return message

    def _push(self) -> Push:
        match self.delivery:
            case Publication() as publication:
                return Push(channel=self.channel, pub=publication_message(publication))
            case Joined(info=info):
                return Push(channel=self.channel, join=Presented(info=info))
            case Left(info=info):
                return Push(channel=self.channel, leave=Presented(info=info))
