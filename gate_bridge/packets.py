"""The packets of MQTT 3.1.1 that come by the thousand, cut and made without I/O; the rare ones are paho's.

Its own way through a packet takes ten times as long as what the packet says.
"""

from collections.abc import Iterable
from struct import Struct as Layout

PUBLISH, PUBACK = 3, 4
_PUBACK = Layout("!BBH")
_MOST_SHIFT = 21


class Broken(Exception):
    """What came is no MQTT."""


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole packets at the front of what was read, and the beginning of the next.

    Raises:
        Broken: a length that no packet has.
    """
    found, start, end = list[bytes](), 0, len(data)
    while start + 2 <= end:
        length, body = data[start + 1], start + 2
        if length > 127:
            length, shift = length & 127, 7
            while body < end:
                digit = data[body]
                body += 1
                length |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    break
                if shift > _MOST_SHIFT:
                    raise Broken("a length of more than four bytes")
            else:
                break
        if body + length > end:
            break
        found.append(data[start : body + length])
        start = body + length
    return found, data[start:]


def published(packet: bytes) -> tuple[str, bytes, int, int]:
    """Return topic, payload, QoS and number (0 at QoS 0) of a PUBLISH.

    Raises:
        Broken: it is shorter than it says.
    """
    place = 1
    while packet[place] > 127:
        place += 1
    start = place + 3
    end = start + (packet[place + 1] << 8 | packet[place + 2])
    if end > len(packet):
        raise Broken("a topic longer than its message")
    topic, qos = packet[start:end].decode(errors="replace"), packet[0] >> 1 & 3
    if not qos:
        return topic, packet[end:], 0, 0
    return topic, packet[end + 2 :], qos, packet[end] << 8 | packet[end + 1]


def number_of(puback: bytes) -> int:
    """Return which message a PUBACK is about."""
    return puback[2] << 8 | puback[3]


def publish(topic: str, payload: bytes, qos: int, retained: bool, number: int) -> bytes:
    """Return a PUBLISH; at QoS 0 its number is nothing."""
    name = topic.encode()
    about = len(name).to_bytes(2, "big") + name + (number.to_bytes(2, "big") if qos else b"")
    return bytes([PUBLISH << 4 | qos << 1 | retained]) + _length(len(about) + len(payload)) + about + payload


def pubacks(numbers: Iterable[int]) -> bytes:
    """Return acknowledgements in one piece."""
    return b"".join(_PUBACK.pack(PUBACK << 4, 2, number) for number in numbers)


def _length(length: int) -> bytes:
    digits = bytearray()
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    digits.append(length)
    return bytes(digits)
