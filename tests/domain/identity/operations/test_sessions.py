"""Logins are limited, refreshes rotate once, a stolen token ends its session.

Proves: domain/identity/queries/sessions.py, domain/identity/queries/attempts.py
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.identity.rules import refresh as refreshing
from domain.identity.rules import tokens
from domain.identity.rules.limits import FAILED_LOGINS_FROM_ADDRESS, FAILED_LOGINS_OF_EMAIL
from domain.identity.tables import AttemptsRow, SessionRow
from domain.kernel.caller import ANONYMOUS, SERVICE
from domain.kernel.errors import Busy, Invalid, TooMany, Unauthenticated
from tests.domain.identity.operations.test_accounts import WRITTEN
from tests.house import PASSWORD, House

PHONE = ANONYMOUS.seen_from("203.0.113.9", "phone/1")


async def login(house, username="ivan", password=PASSWORD, caller=PHONE):
    email = f"{username}@example.com"
    return await house.call(caller, "identity.login", email=email, password=password)


async def refresh(house, token):
    return await house.call(ANONYMOUS, "identity.refresh", refresh_token=token)


async def sessions_of(house):
    async with house.runtime.readers() as db:
        return list(await db.scalars(select(SessionRow).order_by(SessionRow.id)))


async def test_a_login_as_documented_succeeds(house: House):
    await house.runtime.call(ANONYMOUS, "identity.register", WRITTEN)

    granted = await house.runtime.call(
        PHONE, "identity.login", b'{"email": "user1@example.com", "password": "password123"}'
    )

    assert (granted.token_type, granted.expires_in) == ("Bearer", 900)
    claims = tokens.read(house.tools.keys, granted.access_token, house.clock())
    (row,) = await sessions_of(house)
    assert (claims.session_id, claims.user_id) == (row.id, row.user_id)
    assert (row.address, row.user_agent) == ("203.0.113.9", "phone/1")
    (fact,) = await house.facts("session.created")
    assert fact.body == {"sessionId": row.id, "userId": row.user_id}


async def test_the_case_of_an_address_does_not_matter(house: House):
    await house.person("ivan")

    granted = await house.call(PHONE, "identity.login", email=" IVAN@Example.COM ", password=PASSWORD)

    assert granted.access_token


async def test_a_password_may_be_typed_in_another_normal_form(house: House):
    await house.person("ivan", password="caf\u00e9 au lait")

    assert await login(house, password="cafe\u0301 au lait")


async def test_strangers_and_wrong_passwords_get_the_same_refusal(house: House):
    await house.person("ivan")
    problems = []

    for username, password in (("ivan", "wrong password"), ("nobody", PASSWORD), ("not an", PASSWORD)):
        with pytest.raises(Unauthenticated) as refused:
            await login(house, username, password)
        problems.append(refused.value.problem())

    assert problems[0] == problems[1] == problems[2]
    assert await house.facts("session.created") == []
    assert house.passwords.connections == [0, 0, 0, 0], "each costs a hash, and none holds a connection"


async def test_too_many_failed_logins_close_an_account_for_a_while(house: House):
    await house.person("ivan")
    for _ in range(FAILED_LOGINS_OF_EMAIL.most):
        with pytest.raises(Unauthenticated):
            await login(house, password="wrong password")

    house.clock.advance(minutes=5)
    with pytest.raises(TooMany) as refused:
        await login(house)
    assert refused.value.retry_after_s == 600

    house.clock.advance(minutes=10)
    assert await login(house)


async def test_of_many_wrong_guesses_at_once_only_the_limit_is_answered(house: House):
    await house.person("ivan")

    answers = await house.at_once(*(login(house, password=f"wrong {n}") for n in range(25)))

    told = [type(answer) for answer in answers]
    assert told.count(Unauthenticated) == FAILED_LOGINS_OF_EMAIL.most
    assert told.count(TooMany) == 25 - FAILED_LOGINS_OF_EMAIL.most
    with pytest.raises(TooMany):
        await login(house)


async def test_strangers_are_limited_like_accounts(house: House):
    answers = await house.at_once(*(login(house, "nobody") for _ in range(15)))

    assert sum(isinstance(answer, TooMany) for answer in answers) == 15 - FAILED_LOGINS_OF_EMAIL.most


async def test_guessing_at_many_accounts_from_one_address_is_stopped(house: House):
    await house.person("ivan")
    refused = 0
    while (missing := FAILED_LOGINS_FROM_ADDRESS.most - refused) > 0:
        # a busy database refuses some without having looked at them
        outcomes = await house.at_once(*(login(house, f"guess{refused + n}") for n in range(missing)))
        assert all(isinstance(outcome, Unauthenticated | Busy) for outcome in outcomes)
        refused += sum(isinstance(outcome, Unauthenticated) for outcome in outcomes)

    with pytest.raises(TooMany):
        await login(house)
    assert await login(house, caller=ANONYMOUS.seen_from("203.0.113.10", ""))


async def test_the_right_password_clears_the_count(house: House):
    await house.person("ivan")
    for _ in range(3):
        for _ in range(FAILED_LOGINS_OF_EMAIL.most - 1):
            with pytest.raises(Unauthenticated):
                await login(house, password="wrong password")
        await login(house)


async def test_counts_name_nobody_and_are_swept_after_their_time(house: House):
    await house.at_once(*(login(house, f"guess{n}") for n in range(20)))
    async with house.runtime.readers() as db:
        subjects = (await db.scalars(select(AttemptsRow.subject))).all()
    assert not [subject for subject in subjects if "guess" in subject or "203.0" in subject]

    house.clock.advance(minutes=16)
    with pytest.raises(Unauthenticated):
        await login(house, "late")

    async with house.runtime.readers() as db:
        assert len((await db.scalars(select(AttemptsRow.subject))).all()) == 2


async def test_many_right_logins_at_once_all_succeed(house: House):
    await house.person("ivan")

    answers = await house.at_once(*(login(house) for _ in range(20)))

    assert len({answer.refresh_token for answer in answers}) == 20


async def test_a_refresh_gives_the_next_pair(house: House):
    await house.person("ivan")
    first = await login(house)
    house.clock.advance(minutes=10)

    second = await refresh(house, first.refresh_token)

    assert second.refresh_token != first.refresh_token
    claims = tokens.read(house.tools.keys, second.access_token, house.clock())
    assert claims.issued_at == int(house.clock().timestamp())


async def test_twenty_tabs_at_once_rotate_once_and_get_the_same_answer(house: House):
    await house.person("ivan")
    first = await login(house)
    house.clock.advance(minutes=10)
    house.clock.step = timedelta(milliseconds=400)

    answers = await house.at_once(*(refresh(house, first.refresh_token) for _ in range(20)))

    assert len({(answer.access_token, answer.refresh_token) for answer in answers}) == 1
    assert all(890 <= answer.expires_in <= 900 for answer in answers)
    (row,) = await sessions_of(house)
    assert row.counter == 2
    assert row.ended_at is None


async def test_a_tab_that_comes_a_little_late_gets_the_current_pair(house: House):
    await house.person("ivan")
    first = await login(house)
    second = await refresh(house, first.refresh_token)
    house.clock.advance(seconds=29)

    late = await refresh(house, first.refresh_token)

    assert (late.access_token, late.refresh_token) == (second.access_token, second.refresh_token)
    assert late.expires_in == second.expires_in - 29


@pytest.mark.parametrize(("rotations", "pause_s"), [(1, 30), (2, 0)])
async def test_a_token_that_was_replaced_ends_the_session(house: House, rotations: int, pause_s: int):
    user_id = await house.person("ivan")
    stolen = current = (await login(house)).refresh_token
    for _ in range(rotations):
        current = (await refresh(house, current)).refresh_token
    house.clock.advance(seconds=pause_s)

    with pytest.raises(Unauthenticated):
        await refresh(house, stolen)

    (row,) = await sessions_of(house)
    assert row.ended_at == house.clock()
    with pytest.raises(Unauthenticated):
        await refresh(house, current)
    ended, detected = await house.facts("session.revoked", "session.reuse_detected")
    assert ended.body == {"sessionId": row.id, "userId": user_id, "reason": "reuse"}
    assert (detected.name, detected.seq) == ("session.reuse_detected", ended.seq + 1)


async def test_a_stolen_token_that_comes_often_ends_the_session_once(house: House):
    await house.person("ivan")
    stolen = current = (await login(house)).refresh_token
    for _ in range(2):
        current = (await refresh(house, current)).refresh_token

    answers = await house.at_once(*(refresh(house, stolen) for _ in range(10)))

    assert {type(answer) for answer in answers} == {Unauthenticated}
    assert len(await house.facts("session.reuse_detected")) == 1
    assert len(await house.facts("session.revoked")) == 1


async def test_a_token_made_without_the_key_does_nothing(house: House):
    await house.person("ivan")
    granted = await login(house)
    (row,) = await sessions_of(house)
    forged = [
        refreshing.issue(house.tools.keys, bytes(16), row.id, 0),
        granted.refresh_token[:-1] + ("A" if granted.refresh_token[-1] != "A" else "E"),
        granted.refresh_token + "=",
        "",
        "é" * 20,
        granted.access_token[:250],
    ]

    for token in forged:
        with pytest.raises(Unauthenticated):
            await refresh(house, token)

    assert await refresh(house, granted.refresh_token)


async def test_a_session_ends_by_itself_when_it_is_not_refreshed(house: House):
    await house.person("ivan")
    granted = await login(house)
    caller = await house.caller_of(granted.access_token)
    house.clock.advance(seconds=house.policy.refresh_token_s)

    with pytest.raises(Unauthenticated):
        await refresh(house, granted.refresh_token)
    with pytest.raises(Unauthenticated):
        await house.call(SERVICE, "identity.identify", session_id=caller.session_id)


async def test_a_session_ends_after_ninety_days_however_often_it_is_refreshed(house: House):
    await house.person("ivan")
    token = (await login(house)).refresh_token
    for _ in range(15):
        house.clock.advance(days=6)
        if house.clock() >= (await sessions_of(house))[0].created_at + refreshing.LONGEST_LIFE:
            break
        token = (await refresh(house, token)).refresh_token

    with pytest.raises(Unauthenticated):
        await refresh(house, token)


async def test_a_logout_ends_the_callers_session_and_no_other(house: House):
    await house.person("ivan")
    here, there = await login(house), await login(house)
    caller = await house.caller_of(here.access_token)

    await house.call(caller, "identity.logout")
    await house.call(caller, "identity.logout")

    with pytest.raises(Unauthenticated):
        await refresh(house, here.refresh_token)
    assert await refresh(house, there.refresh_token)
    (ended,) = await house.facts("session.revoked")
    assert ended.body == {"sessionId": caller.session_id, "userId": caller.user_id, "reason": "logout"}


async def test_a_logout_works_with_the_refresh_token_alone(house: House):
    await house.person("ivan")
    granted = await login(house)

    await house.call(ANONYMOUS, "identity.logout", refresh_token=granted.refresh_token)

    with pytest.raises(Unauthenticated):
        await refresh(house, granted.refresh_token)
    with pytest.raises(Unauthenticated):
        await house.call(ANONYMOUS, "identity.logout")
    with pytest.raises(Unauthenticated):
        await house.call(ANONYMOUS, "identity.logout", refresh_token="forged")


async def test_bad_input_of_a_login_is_named(house: House):
    with pytest.raises(Invalid) as refused:
        await house.call(PHONE, "identity.login", email=7, pass_word="x")

    assert {problem.field for problem in refused.value.errors} == {"email", "pass_word", "password"}


async def test_no_secret_is_stored(house: House):
    await house.person("ivan")
    granted = await login(house)
    await refresh(house, granted.refresh_token)

    async with house.engine.connect() as connection:
        stored = ""
        for table in ("sessions", "facts", "idempotency", "users", "jobs"):
            rows = await connection.exec_driver_sql(f"SELECT row_to_json(t)::text FROM {table} t")
            stored += str(rows.all())
    for secret in (PASSWORD, granted.access_token, granted.refresh_token):
        assert secret not in stored
