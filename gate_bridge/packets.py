"""The packets that come by the thousand, cut and made without I/O; the rare ones are paho's.

Its own way through a packet takes ten times as long as what the packet says. MQTT 5 differs from 3.1.1 in them by the
properties of a PUBLISH, mostly a single zero byte, and by the reason of a PUBACK, mostly absent.
"""

from collections.abc import Iterable
from struct import Struct as Layout

from gate_bridge.properties import Broken, length, read
from gate_bridge.wire import NO_PROPERTIES, Properties

__all__ = ["PUBACK", "PUBLISH", "REFUSED", "Broken", "acknowledged", "cut", "pubacks", "publish", "published"]

PUBLISH, PUBACK = 3, 4
REFUSED = 0x80
"""Reasons from here on mean that the broker did not take a message; 0x10, that nobody follows it, is none of them."""
_PUBACK = Layout("!BBH")
_MOST_SHIFT = 21


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole packets at the front of what was read, and the beginning of the next.

    Raises:
        Broken: a length that no packet has.
    """
    found, start, end = list[bytes](), 0, len(data)
    while start + 2 <= end:
        size, body = data[start + 1], start + 2
        if size > 127:
            size, shift = size & 127, 7
            while body < end:
                digit = data[body]
                body += 1
                size |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    break
                if shift > _MOST_SHIFT:
                    raise Broken("a length of more than four bytes")
            else:
                break
        if body + size > end:
            break
        found.append(data[start : body + size])
        start = body + size
    return found, data[start:]


def published(packet: bytes, *, five: bool) -> tuple[str, bytes, int, int, Properties]:
    """Return topic, payload, QoS, number (0 at QoS 0) and properties of a PUBLISH.

    Raises:
        Broken: it is shorter than it says.
        IndexError: likewise.
    """
    place = 1
    while packet[place] > 127:
        place += 1
    start = place + 3
    end = start + (packet[place + 1] << 8 | packet[place + 2])
    if end > len(packet):
        raise Broken("a topic longer than its message")
    topic, qos, number = packet[start:end].decode(errors="replace"), packet[0] >> 1 & 3, 0
    if qos:
        number = packet[end] << 8 | packet[end + 1]
        end += 2
    if not five:
        return topic, packet[end:], qos, number, NO_PROPERTIES
    if not packet[end]:
        return topic, packet[end + 1 :], qos, number, NO_PROPERTIES
    properties, end = read(packet, end)
    return topic, packet[end:], qos, number, properties


def acknowledged(puback: bytes) -> tuple[int, int]:
    """Return which message a PUBACK is about, and the reason: 0 where it has none."""
    if len(puback) == 4:
        return puback[2] << 8 | puback[3], 0
    place = 2
    while puback[place - 1] > 127:
        place += 1
    number = puback[place] << 8 | puback[place + 1]
    return number, puback[place + 2] if len(puback) > place + 2 else 0


def publish(topic: str, payload: bytes, qos: int, retained: bool, number: int, properties: bytes) -> bytes:
    """Return a PUBLISH; at QoS 0 its number is nothing, in MQTT 3.1.1 its properties are no byte at all."""
    name = topic.encode()
    about = len(name).to_bytes(2, "big") + name + (number.to_bytes(2, "big") if qos else b"") + properties
    return bytes([PUBLISH << 4 | qos << 1 | retained]) + length(len(about) + len(payload)) + about + payload


def pubacks(numbers: Iterable[int]) -> bytes:
    """Return acknowledgements in one piece; without a reason they are the same in both versions."""
    return b"".join(_PUBACK.pack(PUBACK << 4, 2, number) for number in numbers)
