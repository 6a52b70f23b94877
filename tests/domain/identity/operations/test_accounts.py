"""Accounts are opened once, hashed without a connection, and closed with their sessions.

Proves: domain/identity/operations/fields.py, domain/identity/queries/users.py
"""

import pytest
from sqlalchemy import func, select

from domain.identity.rules.accounts import LastAdmin, Taken
from domain.identity.rules.limits import REFUSED_REGISTRATIONS_FROM_ADDRESS
from domain.identity.tables import UserRow
from domain.kernel.caller import ANONYMOUS, SERVICE
from domain.kernel.errors import Forbidden, Invalid, KeyReused, TooMany, Unauthenticated
from domain.kernel.tools import Policy
from tests.house import PASSWORD, House

# As a system that is to be served has it in its documentation.
WRITTEN = b"""{
    "username": "user1",
    "email": "user1@example.com",
    "password": "password123",
    "first_name": "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd",
    "last_name": "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd\xd0\xbe\xd0\xb2"
  }"""


async def register(house, username="ivan", email=None, caller=ANONYMOUS, **more):
    given = {"username": username, "email": email or f"{username}@example.com", "password": PASSWORD, **more}
    return await house.call(caller, "identity.register", **given)


async def users(house):
    async with house.runtime.readers() as db:
        return await db.scalar(select(func.count()).select_from(UserRow))


async def test_a_registration_as_documented_succeeds(house: House):
    view = await house.runtime.call(ANONYMOUS, "identity.register", WRITTEN)

    assert (view.username, view.email) == ("user1", "user1@example.com")
    assert (view.first_name, view.last_name) == ("Иван", "Иванов")
    assert (view.state, list(view.roles)) == ("active", [])
    (fact,) = await house.facts()
    assert (fact.name, fact.body, fact.seq) == ("user.created", {"userId": view.id}, 1)


async def test_an_address_is_kept_once_whatever_its_case(house: House):
    await register(house, "ivan", "Ivan@Example.com")

    with pytest.raises(Taken) as refused:
        await register(house, "other", "iVAN@example.COM")

    assert [problem.field for problem in refused.value.errors] == ["email"]
    assert refused.value.status == 409


async def test_a_username_is_kept_once_whatever_its_case(house: House):
    await register(house, "Ivan", "a@example.com")

    with pytest.raises(Taken) as refused:
        await register(house, "iVAN", "b@example.com")

    assert [problem.field for problem in refused.value.errors] == ["username"]


async def test_of_twenty_at_once_with_one_address_exactly_one_is_registered(house: House):
    answers = await house.at_once(*(register(house, f"u{n}", "same@example.com") for n in range(20)))

    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert sum(isinstance(answer, Taken) for answer in answers) == 19
    assert await users(house) == 1
    assert len(await house.facts("user.created")) == 1


async def test_the_same_key_again_gets_the_first_answer_and_stores_no_password(house: House):
    first = await register(house, key="k")
    again = await register(house, key="k")

    assert again == first
    assert await users(house) == 1
    async with house.engine.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT row_to_json(i)::text FROM idempotency i")).all()
    assert PASSWORD not in str(rows)


async def test_the_same_key_with_other_content_is_refused_to_those_who_have_a_name(house: House):
    await house.call(
        SERVICE, "identity.create_user", key="k", username="a", email="a@example.com", password=PASSWORD
    )

    with pytest.raises(KeyReused):
        await house.call(
            SERVICE, "identity.create_user", key="k", username="b", email="b@example.com", password=PASSWORD
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a@b"),
        ("username", "with space"),
        ("username", "new\nline"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", "ivan@example.com"),
        ("firstName", "line\nbreak"),
        ("lastName", "x" * 101),
        ("locale", "xx"),
    ],
)
async def test_each_bad_field_is_named(house: House, field: str, value: str):
    given = {"username": "ivan", "email": "ivan@example.com", "password": PASSWORD, field: value}

    with pytest.raises(Invalid) as refused:
        await house.call(ANONYMOUS, "identity.register", **given)

    assert [problem.field for problem in refused.value.errors] == [field]
    assert await users(house) == 0


async def test_common_passwords_are_refused_in_production_only(house: House):
    await house.runtime.call(ANONYMOUS, "identity.register", WRITTEN)
    strict = House(contexts=house.contexts, engine=house.engine, policy=Policy(production=True))

    with pytest.raises(Invalid) as refused:
        await register(strict, password="Password123")

    assert [problem.field for problem in refused.value.errors] == ["password"]


async def test_who_asks_for_taken_addresses_again_and_again_is_stopped(house: House):
    await register(house, "ivan")
    guesser = ANONYMOUS.seen_from("203.0.113.9", "curl")
    for _ in range(REFUSED_REGISTRATIONS_FROM_ADDRESS.most):
        with pytest.raises(Taken):
            await register(house, "ivan", caller=guesser)

    with pytest.raises(TooMany) as refused:
        await register(house, "maria", caller=guesser)
    assert refused.value.retry_after_s == 3600
    await register(house, "maria", caller=ANONYMOUS.seen_from("203.0.113.10", "curl"))


async def test_no_connection_is_held_while_a_password_is_hashed(house: House):
    await register(house)

    assert house.passwords.connections == [0]


async def test_a_manager_opens_accounts_with_roles_at_their_own_site_only(house: House):
    here, there = await house.site("Here"), await house.site("There")
    await house.person("boss", ("manager", here))
    boss = await house.signed_in("boss")

    view = await house.call(
        boss,
        "identity.create_user",
        username="gleb",
        email="gleb@example.com",
        password=PASSWORD,
        first_name="Gleb",
        roles=[{"siteId": here, "role": "guard"}, {"site_id": here, "role": "member"}],
    )

    assert [(role.site_id, role.site_name, role.role) for role in view.roles] == [
        (here, "Here", "guard"),
        (here, "Here", "member"),
    ]
    for role in ({"siteId": there, "role": "guard"}, {"siteId": None, "role": "admin"}):
        with pytest.raises(Forbidden):
            await house.call(
                boss,
                "identity.create_user",
                username="x",
                email="x@example.com",
                password=PASSWORD,
                roles=[role],
            )
    assert await users(house) == 2


async def test_a_role_at_a_site_that_does_not_exist_is_named(house: House):
    with pytest.raises(Invalid) as refused:
        await house.person("ivan", ("guard", 404))

    assert [problem.field for problem in refused.value.errors] == ["siteId"]
    assert await users(house) == 0


async def test_an_account_without_a_password_is_opened_by_a_letter(house: House):
    view = await house.call(SERVICE, "identity.create_user", username="ivan", email="ivan@example.com")
    with pytest.raises(Unauthenticated):
        await house.call(ANONYMOUS, "identity.login", email=view.email, password="")

    await house.work()

    (letter,) = house.mail.letters
    token = letter.text.partition("#token=")[2].split()[0]
    await house.call(ANONYMOUS, "identity.confirm_password_reset", token=token, password=PASSWORD)
    assert (await house.signed_in("ivan")).user_id == view.id


async def test_the_installation_makes_its_first_admin(house: House):
    view = await house.call(
        SERVICE, "identity.create_admin", username="root", email="root@example.com", password=PASSWORD
    )

    assert [(role.site_id, role.role) for role in view.roles] == [(None, "admin")]
    assert (await house.signed_in("root")).everywhere


async def test_a_deactivated_person_is_signed_out_and_stays_out(house: House):
    user_id = await house.person("ivan")
    caller = await house.signed_in("ivan")
    admin = await admin_of(house)

    view = await house.call(admin, "identity.deactivate_user", user_id=user_id)

    assert view.state == "deactivated"
    with pytest.raises(Unauthenticated):
        await house.signed_in("ivan")
    with pytest.raises(Unauthenticated):
        await house.call(SERVICE, "identity.identify", session_id=caller.session_id)
    (ended,) = await house.facts("session.revoked")
    assert ended.body == {"sessionId": caller.session_id, "userId": user_id, "reason": "deactivated"}
    assert len(await house.facts("user.deactivated")) == 1


async def test_two_admins_cannot_deactivate_each_other_at_once(house: House):
    one, two = await house.person("one", ("admin", None)), await house.person("two", ("admin", None))
    callers = await house.signed_in("one"), await house.signed_in("two")

    answers = await house.at_once(
        house.call(callers[0], "identity.deactivate_user", user_id=two),
        house.call(callers[1], "identity.deactivate_user", user_id=one),
    )

    assert sum(isinstance(answer, LastAdmin) for answer in answers) == 1


async def admin_of(house):
    await house.person("admin", ("admin", None))
    return await house.signed_in("admin")
