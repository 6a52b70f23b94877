"""How a delivery lies in Redis: position, then one compact body with the payload's bytes as they came."""

from typing import Literal

import msgspec

from channels.protocol.messages import ClientInfo, payload
from channels.stream import Delivery, Joined, Left, Publication


class _Info(msgspec.Struct, array_like=True):
    user: str
    client: str
    conn_info: bytes
    chan_info: bytes


class _Body(msgspec.Struct, array_like=True):
    kind: Literal["publication", "joined", "left"]
    data: bytes = b""
    tags: dict[str, str] | None = None
    info: _Info | None = None
    published_at: float = 0.0


_bodies = msgspec.msgpack.Decoder(_Body)
_infos = msgspec.msgpack.Decoder(_Info)
_encoder = msgspec.msgpack.Encoder()


def pack_publication(
    data: bytes, tags: dict[str, str] | None, info: ClientInfo | None, published_at: float
) -> bytes:
    """Write a publication's body; its position is added where it is numbered."""
    return _encoder.encode(_Body("publication", data, tags, _stored(info) if info else None, published_at))


def pack_event(event: Joined | Left) -> bytes:
    """Write who joined or left."""
    kind: Literal["joined", "left"] = "joined" if isinstance(event, Joined) else "left"
    return _encoder.encode(_Body(kind, info=_stored(event.info)))


def unpack(body: bytes, offset: int = 0, epoch: str = "") -> Delivery:
    """Read a body back; raises msgspec.DecodeError for what is none."""
    stored = _bodies.decode(body)
    info = _restored(stored.info) if stored.info else None
    if stored.kind == "publication" or info is None:
        return Publication(
            data=stored.data,
            offset=offset,
            epoch=epoch,
            tags=stored.tags,
            info=info,
            published_at=stored.published_at,
        )
    return Joined(info) if stored.kind == "joined" else Left(info)


def unpack_publication(body: bytes, offset: int, epoch: str) -> Publication:
    """Read an entry of a history."""
    publication = unpack(body, offset, epoch)
    assert isinstance(publication, Publication)
    return publication


def unpack_frame(frame: bytes) -> Delivery:
    """Read what came over publish and subscribe: `offset:epoch:body`."""
    offset, epoch, body = frame.split(b":", 2)
    return unpack(body, int(offset), epoch.decode("ascii"))


def pack_info(info: ClientInfo) -> bytes:
    """Write who is present; the user stands in front, where a script can read it: Redis' cmsgpack knows no bytes."""
    user = info.user.encode()
    return b"%d:%b%b" % (len(user), user, _encoder.encode(_stored(info)))


def unpack_info(stored: bytes) -> ClientInfo:
    """Read who is present."""
    length, _, rest = stored.partition(b":")
    return _restored(_infos.decode(rest[int(length) :]))


def _stored(info: ClientInfo) -> _Info:
    return _Info(info.user, info.client, bytes(info.conn_info), bytes(info.chan_info))


def _restored(info: _Info) -> ClientInfo:
    conn_info, chan_info = payload(info.conn_info), payload(info.chan_info)
    return ClientInfo(user=info.user, client=info.client, conn_info=conn_info, chan_info=chan_info)
