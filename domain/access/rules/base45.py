"""Base45 (RFC 9285): bytes as text that a QR code stores in its compact alphanumeric mode.

Own code rather than a package: thirty lines, strict where the packages are lenient (each text has one
reading and each bytes value one text, so a pass cannot be written in two ways), and answering None for junk
instead of raising.
"""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(raw: bytes) -> str:
    """Returns the text of `raw`: three letters for two bytes, two for a last odd one."""
    letters = []
    for start in range(0, len(raw), 2):
        pair = raw[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, value = divmod(number, 45)
            letters.append(ALPHABET[value])
    return "".join(letters)


def decode(text: str) -> bytes | None:
    """Returns the bytes of `text`, or None if it is not the base45 of anything."""
    raw = bytearray()
    for start in range(0, len(text), 3):
        group = text[start : start + 3]
        size = len(group) - 1
        number = 0
        for letter in reversed(group):
            value = _VALUES.get(letter)
            if value is None:
                return None
            number = number * 45 + value
        if size == 0 or number >= 1 << 8 * size:
            return None
        raw += number.to_bytes(size, "big")
    return bytes(raw)
