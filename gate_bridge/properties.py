"""The properties of MQTT 5 packets, written and read without I/O; those that mean nothing to us are stepped over."""

from gate_bridge.wire import NO_PROPERTIES, Properties

_EXPIRY, _RESPONSE_TOPIC, _CORRELATION, _USER = 0x02, 0x08, 0x09, 0x26
_FORMAT, _CONTENT_TYPE, _SUBSCRIPTION, _ALIAS = 0x01, 0x03, 0x0B, 0x23
_HISTORICAL = b"\x26\x00\x01h\x00\x011"
_MOST_SHIFT = 21


class Broken(Exception):
    """What came is no MQTT."""


def length(number: int) -> bytes:
    """Return a length as MQTT writes it, in as many bytes as it needs."""
    if number < 128:
        return bytes((number,))
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def written(properties: Properties) -> bytes:
    """Return properties with their length in front, as they stand in a PUBLISH."""
    if properties is NO_PROPERTIES:
        return b"\0"
    body = b""
    if properties.expires_s is not None:
        body = b"\x02" + properties.expires_s.to_bytes(4, "big")
    if properties.response_topic:
        body += b"\x08" + _sized(properties.response_topic.encode())
    if properties.correlation:
        body += b"\x09" + _sized(properties.correlation)
    if properties.historical:
        body += _HISTORICAL
    return length(len(body)) + body


def read(packet: bytes, place: int) -> tuple[Properties, int]:
    """Return the properties that begin at a place of a packet, and where they end.

    Raises:
        Broken: they go beyond the packet, or nobody knows what they are.
        IndexError: likewise.
    """
    size, place = _length_at(packet, place)
    end = place + size
    if end > len(packet):
        raise Broken("properties longer than their message")
    expires_s, response_topic, correlation, historical = None, "", b"", False
    while place < end:
        name, place = packet[place], place + 1
        if name == _EXPIRY:
            expires_s, place = int.from_bytes(packet[place : place + 4], "big"), place + 4
        elif name == _RESPONSE_TOPIC:
            topic, place = _field(packet, place, end)
            response_topic = topic.decode(errors="replace")
        elif name == _CORRELATION:
            correlation, place = _field(packet, place, end)
        elif name == _USER:
            key, place = _field(packet, place, end)
            value, place = _field(packet, place, end)
            historical = historical or (key, value) == (b"h", b"1")
        else:
            place = _beyond(name, packet, place, end)
    if place > end:
        raise Broken("a property longer than all of them")
    said = Properties(
        expires_s=expires_s, response_topic=response_topic, correlation=correlation, historical=historical
    )
    return said, end


def _beyond(name: int, packet: bytes, place: int, end: int) -> int:
    if name == _FORMAT:
        return place + 1
    if name == _ALIAS:
        return place + 2
    if name == _CONTENT_TYPE:
        return _field(packet, place, end)[1]
    if name == _SUBSCRIPTION:
        return _length_at(packet, place)[1]
    raise Broken(f"a property {name:#x} in a message")


def _field(packet: bytes, place: int, end: int) -> tuple[bytes, int]:
    start = place + 2
    stop = start + int.from_bytes(packet[place:start], "big")
    if stop > end:
        raise Broken("a property longer than all of them")
    return packet[start:stop], stop


def _length_at(packet: bytes, place: int) -> tuple[int, int]:
    found, shift = 0, 0
    while True:
        digit, place = packet[place], place + 1
        found |= (digit & 127) << shift
        if digit < 128:
            return found, place
        if shift == _MOST_SHIFT:
            raise Broken("a length of more than four bytes")
        shift += 7


def _sized(field: bytes) -> bytes:
    return len(field).to_bytes(2, "big") + field
