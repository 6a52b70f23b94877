"""The codecs that are served are told apart by name and by subprotocol, and JSON is for whoever offers none."""

from channels.protocol.codecs import CODECS, codec_named


def test_each_codec_is_found_by_its_name():
    assert [codec_named(codec.name) for codec in CODECS] == list(CODECS)
    assert codec_named("morse") is None


def test_names_and_subprotocols_are_unique():
    assert (
        len({codec.name for codec in CODECS}) == len({codec.subprotocol for codec in CODECS}) == len(CODECS)
    )


def test_the_first_is_json():
    assert (CODECS[0].name, CODECS[0].binary) == ("json", False)
