"""A pass as a picture: SVG for screens and mails, PNG for where SVG is not shown."""

import io

import segno

# Four modules of white around the code are part of the standard; readers rely on them.
_BORDER = 4


def svg(qr_text: str) -> bytes:
    """Returns a scalable image without a size of its own, so that the page decides."""
    image = io.BytesIO()
    _code(qr_text).save(image, kind="svg", border=_BORDER, omitsize=True, xmldecl=False, nl=False)
    return image.getvalue()


def png(qr_text: str, *, scale: int = 8) -> bytes:
    """Returns a bitmap with `scale` pixels per module."""
    image = io.BytesIO()
    _code(qr_text).save(image, kind="png", border=_BORDER, scale=scale)
    return image.getvalue()


def _code(qr_text: str) -> segno.QRCode:
    # Level M survives a scratched phone; micro codes are unknown to most gate readers.
    return segno.make_qr(qr_text, error="m", boost_error=False)
