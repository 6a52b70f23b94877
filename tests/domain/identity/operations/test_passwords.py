"""A forgotten password is replaced by mail, once, and tells strangers nothing.

Proves: domain/identity/jobs.py, domain/identity/queries/one_time.py
"""

import pytest
from sqlalchemy import select

from domain.identity.rules.limits import FAILED_LOGINS_OF_EMAIL, RESETS_FROM_ADDRESS, RESETS_OF_EMAIL
from domain.identity.tables import OneTimeTokenRow
from domain.kernel.caller import ANONYMOUS, SERVICE
from domain.kernel.errors import Invalid, TooMany, Unauthenticated
from tests.house import PASSWORD, House

NEW = "a brand new password"


async def ask(house, username="ivan", caller=ANONYMOUS):
    email = f"{username}@example.com"
    return await house.call(caller, "identity.request_password_reset", email=email)


async def confirm(house, token, password=NEW):
    return await house.call(ANONYMOUS, "identity.confirm_password_reset", token=token, password=password)


def token_in(letter):
    return letter.text.partition("#token=")[2].split()[0]


async def token_for(house, username="ivan"):
    await ask(house, username)
    await house.work()
    return token_in(house.mail.letters[-1])


async def test_a_forgotten_password_is_replaced_by_mail(house: House):
    user_id = await house.person("ivan")
    signed_in = await house.signed_in("ivan")
    token = await token_for(house)

    await confirm(house, token)

    (letter,) = house.mail.letters
    assert letter.to == "ivan@example.com"
    assert f"{house.policy.public_url}/app/reset-password#token=" in letter.text
    assert (await house.signed_in("ivan", NEW)).user_id == user_id
    with pytest.raises(Unauthenticated):
        await house.signed_in("ivan", PASSWORD)
    with pytest.raises(Unauthenticated):
        await house.call(SERVICE, "identity.identify", session_id=signed_in.session_id)
    (changed,) = await house.facts("user.password_changed")
    assert changed.body == {"userId": user_id}
    (ended,) = await house.facts("session.revoked")
    assert ended.body["reason"] == "password"


async def test_the_answer_does_not_tell_whether_there_is_an_account(house: House):
    await house.person("ivan")

    known, unknown, odd = await ask(house), await ask(house, "nobody"), await ask(house, "not an address")

    assert known == unknown == odd
    assert len(await house.jobs()) == 3
    await house.work()
    assert [letter.to for letter in house.mail.letters] == ["ivan@example.com"]


async def test_a_deactivated_account_gets_no_letter(house: House):
    user_id = await house.person("ivan")
    await house.person("root", ("admin", None))
    await house.call(SERVICE, "identity.deactivate_user", user_id=user_id)

    await ask(house)
    await house.work()

    assert house.mail.letters == []


async def test_a_token_is_spent_once_by_ten_at_once(house: House):
    await house.person("ivan")
    token = await token_for(house)

    answers = await house.at_once(*(confirm(house, token, f"a password no {n}") for n in range(10)))

    winners = [n for n, answer in enumerate(answers) if not isinstance(answer, Exception)]
    assert len(winners) == 1
    assert sum(isinstance(answer, Invalid) for answer in answers) == 9
    await house.signed_in("ivan", f"a password no {winners[0]}")
    assert len(await house.facts("user.password_changed")) == 1


async def test_two_tokens_of_one_person_at_once_count_as_one(house: House):
    await house.person("ivan")
    tokens = [await token_for(house), await token_for(house)]

    answers = await house.at_once(*(confirm(house, token) for token in tokens))

    assert sum(isinstance(answer, Invalid) for answer in answers) == 1


async def test_a_token_expires(house: House):
    await house.person("ivan")
    token = await token_for(house)
    house.clock.advance(minutes=30)

    with pytest.raises(Invalid) as refused:
        await confirm(house, token)

    assert [problem.field for problem in refused.value.errors] == ["token"]


@pytest.mark.parametrize("forged", ["", "nonsense", "é", "A" * 54, "_" * 54])
async def test_a_forged_token_is_refused_before_a_hash_is_spent_on_it(house: House, forged: str):
    await house.person("ivan")
    await token_for(house)
    house.passwords.connections.clear()

    with pytest.raises(Invalid):
        await confirm(house, forged)

    assert house.passwords.connections == []


async def test_a_refused_password_leaves_the_token_good(house: House):
    await house.person("ivan")
    token = await token_for(house)

    for password in ("short", "ivan@example.com"):
        with pytest.raises(Invalid) as refused:
            await confirm(house, token, password)
        assert [problem.field for problem in refused.value.errors] == ["password"]

    house.passwords.connections.clear()
    await confirm(house, token)
    assert house.passwords.connections == [0]


async def test_a_job_done_twice_sends_the_same_letter(house: House):
    user_id = await house.person("ivan")
    await ask(house)
    (row,) = await house.jobs()

    await house.work()
    await house.perform(row.job, row.arguments)

    first, second = house.mail.letters
    assert first == second
    async with house.runtime.readers() as db:
        (stored,) = await db.scalars(select(OneTimeTokenRow))
    assert stored.user_id == user_id
    await confirm(house, token_in(first))
    await house.perform(row.job, row.arguments)
    assert len(house.mail.letters) == 2, "a token that is spent is not sent again"


async def test_the_job_and_the_database_hold_no_token(house: House):
    await house.person("ivan")
    await ask(house)
    (row,) = await house.jobs()
    token = await token_for(house)

    assert token not in str(row.arguments)
    async with house.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT row_to_json(t)::text FROM one_time_tokens t")
        assert token not in str(rows.all())


async def test_nobody_is_pestered_with_letters(house: House):
    await house.person("ivan")

    for _ in range(RESETS_OF_EMAIL.most + 3):
        await ask(house)
    await house.work()

    assert len(house.mail.letters) == RESETS_OF_EMAIL.most


async def test_one_address_cannot_ask_for_ever(house: House):
    asker = ANONYMOUS.seen_from("203.0.113.9", "curl")
    for n in range(RESETS_FROM_ADDRESS.most):
        await ask(house, f"guess{n}", asker)

    with pytest.raises(TooMany):
        await ask(house, "ivan", asker)


async def test_a_new_password_opens_an_account_that_guessing_had_closed(house: House):
    await house.person("ivan")
    for _ in range(FAILED_LOGINS_OF_EMAIL.most):
        with pytest.raises(Unauthenticated):
            await house.signed_in("ivan", "wrong password")
    with pytest.raises(TooMany):
        await house.signed_in("ivan")

    await confirm(house, await token_for(house))

    await house.signed_in("ivan", NEW)


async def test_russian_readers_get_a_russian_letter(house: House):
    await house.call(
        SERVICE,
        "identity.create_user",
        username="ivan",
        email="ivan@example.com",
        first_name="Иван",
        locale="ru",
    )

    await house.work()

    (letter,) = house.mail.letters
    assert letter.subject == "Выберите новый пароль"
    assert "Здравствуйте, Иван!" in letter.text
