"""What a channel's name says."""

import pytest

from channels.names import is_name, personal, read
from channels.protocol import ErrorCode, ProtocolError


@pytest.mark.parametrize(
    ("channel", "namespace", "private", "users"),
    [
        ("news", "", False, None),
        ("chat:room", "chat", False, None),
        ("chat:room:7", "chat", False, None),
        ("$news", "", True, None),
        ("$chat:room", "chat", True, None),
        ("chat:$room", "chat", False, None),
        ("#42", "", False, ("42",)),
        ("chat:#17,42", "chat", False, ("17", "42")),
        ("chat:a#b#17", "chat", False, ("17",)),
        ("$chat:#17", "chat", True, ("17",)),
        (":news", ":", False, None),
        ("news:", "news", False, None),
    ],
)
def test_a_name_is_taken_apart(channel, namespace, private, users):
    name = read(channel)
    assert (name.namespace, name.private, name.users) == (namespace, private, users)


@pytest.mark.parametrize(
    "channel", ["", "x" * 256, "чат", "a\nb", "a\x00", "&control", "/all", "a*", "chat:*", "\x7f"]
)
def test_what_is_no_name_is_refused(channel):
    assert not is_name(channel)
    with pytest.raises(ProtocolError) as refusal:
        read(channel)
    assert refusal.value.code == ErrorCode.BAD_REQUEST


def test_the_longest_name_is_one():
    assert is_name("x" * 255)


@pytest.mark.parametrize(
    ("channel", "user", "expected"),
    [
        ("#17,42", "42", True),
        ("#17,42", "4", False),
        ("#17,42", "17,42", False),
        ("news", "42", False),
        ("#", "", False),
        ("#,", "", False),
        ("chat#17:x", "17", False),
    ],
)
def test_users_are_named_exactly(channel, user, expected):
    assert read(channel).is_for(user) is expected


def test_a_personal_channel_is_for_its_user_alone():
    assert read(personal("42")).is_for("42") and read(personal("42", "own")).is_for("42")
    assert personal("42", "own") == "own:#42"
