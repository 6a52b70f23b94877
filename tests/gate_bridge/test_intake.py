"""What a batch of messages says, sorted."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.access.operations.gate_states import Born
from gate_bridge import intake, wire
from gate_bridge.inbox import Received
from gate_bridge.wire import NO_PROPERTIES, Properties

EPOCH = "00000000000000aa"


def message(
    topic: str, payload: bytes, *, retained: bool = False, properties: Properties = NO_PROPERTIES
) -> Received:
    return Received(topic, payload, 1, retained, False, 1, 1, properties)


def event(seq: int = 1, **members: object) -> wire.Event:
    told = {
        "epoch": EPOCH,
        "seq": seq,
        "at_ms": 1_700_000_000_000,
        "clock": "ok",
        "kind": "passage",
        "source": "online",
        "previous_hash": wire.GENESIS,
        "hash": wire.GENESIS,
    }
    return wire.seal(wire.Event(**{**told, **members}), wire.GENESIS)  # type: ignore[arg-type]  # by name


def test_an_event_comes_out_with_what_its_hash_covers() -> None:
    sent = event(pass_id=7, salt="ab" * 16, direction="in")
    taken = intake.read([message("gh/1/3/4/up/evt", wire.encode(sent))])
    (read,) = taken.events
    assert (read.gate_id, read.epoch.hex(), read.seq, read.grant_id) == (4, EPOCH, 1, 7)
    assert read.canonical == wire.canonical(sent)
    assert wire.link(sent.previous_hash, read.canonical) == read.hash.hex() == sent.hash
    assert b"7" not in read.canonical.replace(b"1700000000000", b"").split(b'"pd"')[0]
    assert taken.sites == {4: 3}


def test_a_batch_is_historical_and_a_bad_member_does_not_take_the_others_with_it() -> None:
    good = wire.encode(event(1)).decode()
    bad = good.replace('"s":1', '"s":2').replace('"passage"', '"dance"')
    payload = f'{{"e":"{EPOCH}","ev":[{good},{bad}],"h":1}}'.encode()
    taken = intake.read([message("gh/1/3/4/up/batch", payload)])
    assert [read.historical for read in taken.events] == [True]
    (poison,) = taken.poison
    assert (poison.gate_id, poison.seq, poison.payload) == (4, 2, bad.encode())
    assert poison.reason.startswith("ev[1].k")


def test_an_event_that_is_not_what_it_was_sealed_as_is_poison() -> None:
    forged = wire.encode(event(5)).replace(b'"passage"', b'"boot"')
    taken = intake.read([message("gh/1/3/4/up/evt", forged)])
    assert taken.events == []
    (poison,) = taken.poison
    assert (poison.reason, poison.seq) == ("h: is not the hash of this event", 5)
    assert poison.payload == forged


def test_a_batch_full_of_junk_is_kept_once_and_not_once_for_each_event() -> None:
    members = [wire.encode(event(seq)).replace(b'"passage"', b'"boot"') for seq in range(1, 201)]
    payload = b'{"e":"%s","ev":[%s],"h":1}' % (EPOCH.encode(), b",".join(members))
    taken = intake.read([message("gh/1/3/4/up/batch", payload)])
    assert sum(len(one.payload) for one in taken.poison) < len(payload)


def test_births_deaths_and_heartbeats_are_told_apart() -> None:
    birth = wire.Birth(epoch=EPOCH, session=2, journal=wire.JournalRange(0, 0), clock_ms=1)
    death = wire.Death(epoch=EPOCH, session=1)
    beat = wire.Heartbeat(epoch=EPOCH, session=2, last_seq=9, acknowledged_seq=8, queue_depth=1)
    taken = intake.read(
        [
            message("gh/1/3/4/up/state", wire.encode(birth)),
            message("gh/1/3/4/up/state", wire.encode(death)),
            message("gh/1/3/4/up/hb", wire.encode(beat)),
            message("gh/1/3/4/up/state", b""),
        ]
    )
    assert taken.states == [(4, birth), (4, death)]
    assert [(pulse.session, pulse.last_seq, pulse.queue_depth) for pulse in taken.pulses] == [(2, 9, 1)]
    assert taken.poison == []


def test_what_a_gate_says_of_its_device_is_passed_on_whole() -> None:
    birth = wire.Birth(
        epoch=EPOCH,
        session=2,
        journal=wire.JournalRange(3, 4),
        clock_ms=1,
        firmware="1.4.2",
        hardware="gk-200",
        capabilities=("qr",),
        directions=("in",),
        list_revision=7,
        config_revision=2,
        time_zone="Europe/Moscow",
    )
    beat = wire.Heartbeat(
        epoch=EPOCH,
        session=2,
        last_seq=9,
        acknowledged_seq=8,
        queue_depth=1,
        uptime_s=60,
        rssi=-61,
        temperature=38.5,
        battery=97,
        power="mains",
        reported=wire.Reported(mode="normal", revision=5, list_revision=8),
    )
    (pulse,) = intake.read([message("gh/1/3/4/up/hb", wire.encode(beat))]).pulses
    assert intake.born(birth) == Born(
        firmware="1.4.2",
        hardware="gk-200",
        capabilities=("qr",),
        directions=("in",),
        time_zone="Europe/Moscow",
        journal_low=3,
        journal_high=4,
        list_revision=7,
        config_revision=2,
    )
    assert (pulse.uptime_s, pulse.rssi, pulse.temperature, pulse.battery) == (60, -61, 38.5, 97)
    assert (pulse.power, pulse.list_revision, pulse.reported_revision) == ("mains", 8, 5)


def test_an_event_that_says_so_is_of_the_past() -> None:
    sent = wire.encode(event())
    taken = intake.read([message("gh/1/3/4/up/evt", sent, properties=Properties(historical=True))])
    assert [read.historical for read in taken.events] == [True]


def test_of_what_is_wrong_at_a_gate_the_last_word_counts() -> None:
    wrong = wire.Conditions((wire.Condition(kind="jam", since_ms=1_700_000_000_000, seq=7),))
    topic = "gh/1/3/4/up/cond"
    taken = intake.read([message(topic, b"[]"), message(topic, wire.encode(wrong), retained=True)])
    (condition,) = taken.conditions[4]
    assert (condition.kind, condition.since.timestamp(), condition.seq) == ("jam", 1_700_000_000, 7)
    assert intake.read([message(topic, b"[]")]).conditions == {4: []}


def test_a_heartbeat_tells_the_session_and_an_event_at_least_the_epoch() -> None:
    beat = wire.Heartbeat(epoch=EPOCH, session=2, last_seq=9, acknowledged_seq=8, queue_depth=1)
    happened = message("gh/1/3/4/up/evt", wire.encode(event()))
    (only,) = intake.read([happened]).sightings.values()
    assert (only.gate_id, only.epoch.hex(), only.session) == (4, EPOCH, None)
    beating = message("gh/1/3/4/up/hb", wire.encode(beat))
    for order in ([happened, beating], [beating, happened]):
        assert [one.session for one in intake.read(order).sightings.values()] == [2]


def test_what_tells_of_this_moment_is_not_taken_from_a_shelf() -> None:
    beat = wire.Heartbeat(epoch=EPOCH, session=2, last_seq=9, acknowledged_seq=8, queue_depth=1)
    done = wire.Outcome(epoch=EPOCH, command_id="c" * 16, done=True, at_ms=1)
    taken = intake.read(
        [
            message("gh/1/3/4/up/hb", wire.encode(beat), retained=True),
            message("gh/1/3/4/up/res", wire.encode(done), retained=True),
            message("gh/1/3/4/up/evt", wire.encode(event()), retained=True),
        ]
    )
    assert not (taken.pulses or taken.answers or taken.poison)
    assert len(taken.events) == 1


def test_a_message_of_the_wrong_direction_is_poison() -> None:
    answer = wire.Acknowledgement(epoch=EPOCH, up_to=1, at_ms=1)
    taken = intake.read([message("gh/1/3/4/dn/ack", wire.encode(answer))])
    assert [one.reason for one in taken.poison] == ["topic: is not one that gates report on"]


@given(st.text(max_size=60), st.binary(max_size=300))
def test_junk_is_poison_and_never_an_error(topic: str, payload: bytes) -> None:
    taken = intake.read([message(topic, payload), message(f"gh/1/1/2/up/{topic[:4]}", payload)])
    assert len(taken.poison) == (2 if payload else 0)
    assert not (taken.events or taken.states or taken.pulses)


def test_an_event_of_a_clock_gone_mad_is_poison() -> None:
    mad = event(5, at_ms=2**53 - 1)
    taken = intake.read(
        [message("gh/1/3/4/up/evt", wire.encode(mad)), message("gh/1/3/4/up/evt", wire.encode(event(6)))]
    )
    assert [read.seq for read in taken.events] == [6]
    assert [(one.reason.partition(":")[0], one.seq) for one in taken.poison] == [("t", 5)]


def test_what_meets_a_defect_of_ours_is_put_aside_and_ends_nothing() -> None:
    strange: Any = 5  # no message has such a payload: it stands for whatever was not thought of
    taken = intake.read(
        [message("gh/1/3/4/up/evt", strange), message("gh/1/3/4/up/evt", wire.encode(event()))]
    )
    assert [read.seq for read in taken.events] == [1]
    assert [one.reason for one in taken.poison] == ["payload: could not be taken in (TypeError)"]


def test_only_reports_are_numbered() -> None:
    claim = f'{{"e":"{EPOCH}","s":7}}'.encode()
    taken = intake.read([message(f"gh/1/3/4/up/{leg}", claim) for leg in ("evt", "batch", "hb", "state")])
    assert [one.seq for one in taken.poison] == [7, 7, None, None]
