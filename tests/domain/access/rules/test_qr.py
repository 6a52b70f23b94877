"""A pass is drawn as a code that fits a phone and a printed badge."""

import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.access.rules import qr, token
from domain.access.rules.token import PassClaim

CLAIM = PassClaim(key_id=1, pass_id=2**63, site_id=9, zones=1, not_before=1_800_000_000, minutes=60)
TEXT = token.as_qr_text(token.sign(CLAIM, Ed25519PrivateKey.from_private_bytes(bytes(32))))


def test_a_pass_needs_no_more_than_a_code_of_version_6():
    code = segno.make_qr(TEXT, error="m", boost_error=False)

    assert (code.version, code.mode) == (6, "alphanumeric")


def test_the_scalable_picture_has_a_view_box_and_no_script():
    picture = qr.svg(TEXT)

    assert picture.startswith(b"<svg ")
    assert b'viewBox="0 0 49 49"' in picture
    assert b"<script" not in picture


def test_the_bitmap_has_its_pixels_per_module():
    picture = qr.png(TEXT, scale=4)

    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(picture[16:20], "big") == 49 * 4
