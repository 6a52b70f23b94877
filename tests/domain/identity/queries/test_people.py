"""The contexts above learn of people what they need."""

from domain.identity.queries.people import addressees_of, emails_of, names_of, sites_of
from domain.identity.rules.addressee import Addressee
from domain.kernel.caller import SERVICE
from tests.house import House


async def test_the_contexts_above_learn_names_addresses_and_sites(house: House):
    here, there = await house.site("Here"), await house.site("There")
    ivan = await house.person("ivan", ("guard", there), ("member", here), ("desk", here))
    view = await house.call(
        SERVICE,
        "identity.create_user",
        username="maria",
        email="maria@example.com",
        first_name="Maria",
        last_name="Stone",
        locale="ru",
    )

    async with house.runtime.readers() as db:
        ctx = house.runtime.context(SERVICE, db)
        assert await names_of(ctx, {ivan, view.id, 404}) == {ivan: "ivan", view.id: "Maria Stone"}
        assert await emails_of(ctx, [ivan, 404]) == {ivan: "ivan@example.com"}
        assert await addressees_of(ctx, [view.id]) == {
            view.id: Addressee(name="Maria Stone", email="maria@example.com", locale="ru")
        }
        assert await sites_of(ctx, ivan) == [here, there]
        assert await names_of(ctx, ()) == await emails_of(ctx, ()) == {}


async def test_a_deactivated_person_keeps_the_name_and_gets_no_letters(house: House):
    ivan = await house.person("ivan", ("member", await house.site()))
    await house.call(SERVICE, "identity.deactivate_user", user_id=ivan)

    async with house.runtime.readers() as db:
        ctx = house.runtime.context(SERVICE, db)
        assert await names_of(ctx, [ivan]) == {ivan: "ivan"}
        assert await emails_of(ctx, [ivan]) == {}
        assert await sites_of(ctx, ivan) == []
