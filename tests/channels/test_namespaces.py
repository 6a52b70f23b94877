"""Options of namespaces: who may what, and how they are read from a file."""

import itertools
import json

import msgspec
import pytest

from channels.host import Pressure
from channels.names import read
from channels.namespaces import Action, BadNamespaces, Namespaces, Options, Override
from channels.protocol import ErrorCode, ProtocolError
from channels.stream import HistoryPolicy

ACTIONS: tuple[Action, ...] = ("publish", "presence", "history")
ROLES = {
    # name: (user, follows)
    "client": ("ann", False),
    "subscriber": ("ann", True),
    "anonymous": ("", False),
    "anonymous subscriber": ("", True),
}
ALLOWED = {
    # the flags that are set: the roles that may
    (): set(),
    ("client",): {"client", "subscriber"},
    ("subscriber",): {"subscriber"},
    ("anonymous",): set(),
    ("client", "subscriber"): {"client", "subscriber"},
    ("client", "anonymous"): set(ROLES),
    ("subscriber", "anonymous"): {"subscriber", "anonymous subscriber"},
    ("client", "subscriber", "anonymous"): set(ROLES),
}


def allowing(*flags: str) -> Options:
    return msgspec.convert({f"allow_{flag}": True for flag in flags}, Options)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("flags", ALLOWED)
def test_flags_open_an_action_to_roles(action, flags):
    options = allowing(*(f"{action}_for_{flag}" for flag in flags))
    may = {
        role
        for role, (user, follows) in ROLES.items()
        if options.may(action, read("news"), user, follows=follows)
    }
    assert may == ALLOWED[flags]


def test_each_flag_opens_its_own_action_alone():
    for opened, asked in itertools.product(ACTIONS, ACTIONS):
        options = allowing(f"{opened}_for_client")
        assert options.may(asked, read("news"), "ann", follows=False) is (opened == asked)


@pytest.mark.parametrize(
    ("channel", "user", "follows", "expected"),
    [
        ("$news", "ann", False, False),
        ("$news", "ann", True, True),
        ("#ann", "ann", False, True),
        ("#ann", "bob", False, False),
        ("#ann", "bob", True, True),
    ],
)
def test_no_flag_opens_what_is_private_to_those_who_do_not_follow(channel, user, follows, expected):
    options = Options(allow_history_for_client=True)
    assert options.may("history", read(channel), user, follows=follows) is expected


SUBSCRIBING = {
    # (channel, user): the flags of which one set is enough
    ("news", "ann"): [{"subscribe_for_client"}],
    ("news", ""): [{"subscribe_for_client", "subscribe_for_anonymous"}],
    ("$news", "ann"): [],
    ("#ann", "ann"): [{"user_limited_channels"}],
    ("#ann", "bob"): [],
    ("#ann", ""): [],
}


@pytest.mark.parametrize(("channel", "user"), SUBSCRIBING)
def test_without_a_token_flags_decide_who_follows(channel, user):
    flags = ("subscribe_for_client", "subscribe_for_anonymous", "user_limited_channels")
    for size in range(len(flags) + 1):
        for chosen in itertools.combinations(flags, size):
            options = allowing(*chosen)
            enough = any(needed <= set(chosen) for needed in SUBSCRIBING[channel, user])
            assert options.may_subscribe(read(channel), user) is enough, chosen


def test_insecure_opens_everything():
    namespaces = Namespaces(insecure=True)
    assert namespaces.may_subscribe("$news", "") and namespaces.may("publish", "#ann", "", follows=False)
    opening = namespaces.opening("news", "")
    assert opening.may_publish and opening.may_read_history and opening.may_read_presence


def test_an_unknown_namespace_is_told():
    with pytest.raises(ProtocolError) as refusal:
        Namespaces().opening("chat:1", "ann")
    assert refusal.value.code == ErrorCode.UNKNOWN_CHANNEL


def test_an_opening_carries_the_options():
    options = Options(
        history_size=10,
        history_ttl_s=60,
        recovery_mode="cache",
        force_recovery=True,
        presence=True,
        join_leave=True,
        force_push_join_leave=True,
        delta=True,
        pressure="latest",
        allow_publish_for_subscriber=True,
    )
    opening = Namespaces(namespaces={"chat": options}).opening("chat:1", "ann")
    assert opening.history == HistoryPolicy(10, 60.0) and opening.recovery == "cache"
    assert opening.recoverable and opening.positioned and opening.delta
    assert opening.presence and opening.join_leave and opening.push_join_leave
    assert opening.pressure is Pressure.LATEST
    assert opening.may_publish and not opening.may_read_history and not opening.may_read_presence


def test_a_glance_is_what_one_may_who_does_not_follow():
    options = Options(allow_history_for_subscriber=True, allow_presence_for_client=True, presence=True)
    glance = Namespaces(default=options).glance("news", "ann")
    assert glance.presence and glance.may_read_presence and not glance.may_read_history


def test_an_override_changes_what_it_names_alone():
    override = Override(presence=Override.Value(True), join_leave=Override.Value(False))
    changed = override.of(Options(join_leave=True, force_push_join_leave=True))
    assert changed.presence and not changed.join_leave and changed.force_push_join_leave


def test_the_personal_channel():
    assert Namespaces().personal_channel("ann") is None
    assert Namespaces(subscribe_to_user_personal_channel=True).personal_channel("ann") == "#ann"
    for user in ("", "ann,bob", "a#b", "Анна", "*", "x" * 255):
        assert Namespaces(subscribe_to_user_personal_channel=True).personal_channel(user) is None


FILE = {
    "default": {"presence": True},
    "namespaces": {"chat": {"history_size": 10, "history_ttl_s": 60}},
    "subscribe_to_user_personal_channel": True,
    "personal_channel_namespace": "chat",
}


def test_a_file_is_json_or_toml(tmp_path):
    (tmp_path / "hub.json").write_text(json.dumps(FILE))
    (tmp_path / "hub.toml").write_text(
        "subscribe_to_user_personal_channel = true\n"
        'personal_channel_namespace = "chat"\n'
        "[default]\npresence = true\n"
        "[namespaces.chat]\nhistory_size = 10\nhistory_ttl_s = 60\n"
    )
    found = Namespaces.load(tmp_path / "hub.toml")
    assert found == Namespaces.load(tmp_path / "hub.json") == Namespaces.of(FILE)
    assert found.personal_channel("ann") == "chat:#ann"
    assert found.namespaces["chat"].history == HistoryPolicy(10, 60.0)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"namespaces": {"chat": {"history_size": "many"}}}, "namespaces.chat.history_size"),
        ({"namespaces": {"chat": {"histroy_size": 1}}}, "histroy_size"),
        ({"namespaces": {"chat": {"histroy_size": 1}}}, "namespaces.chat"),
        ({"namespaces": {"chat": []}}, "namespaces.chat"),
        ({"namespaces": []}, "namespaces"),
        ({"namespaces": {"c": {}}}, "namespaces.c"),
        ({"namespaces": {"a b": {}}}, "namespaces.a b"),
        ({"default": {"pressure": "much"}}, "default.pressure"),
        ({"default": {"history_size": 5}}, "default"),
        ({"default": {"history_size": -1, "history_ttl_s": 1}}, "default.history_size"),
        ({"default": {"history_size": 10**6, "history_ttl_s": 1}}, "default.history_size"),
        ({"default": {"history_size": 1, "history_ttl_s": 10**9}}, "default.history_ttl_s"),
        ({"namespaces": {"chat": {"delta": True}}}, "namespaces.chat.delta"),
        ({"namespaces": {"chat": {"force_recovery": True}}}, "namespaces.chat.force_recovery"),
        ({"personal_channel_namespace": "own"}, "personal_channel_namespace"),
        ({"insecure": "yes"}, "insecure"),
        ({"spaces": {}}, "spaces"),
        ([], "the top"),
    ],
)
def test_a_bad_field_is_named(members, field):
    with pytest.raises(BadNamespaces, match=f"`{field}`"):
        Namespaces.of(members)


@pytest.mark.parametrize("content", ["[", "default = 1", ""])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "hub.toml"
    if content:
        path.write_text(content)
    with pytest.raises(BadNamespaces, match=r"hub\.toml"):
        Namespaces.load(path)
