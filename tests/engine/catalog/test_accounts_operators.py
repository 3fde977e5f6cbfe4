"""What operators do with accounts, on a real PostgreSQL."""

import pytest

from engine.catalog.accounts import Person
from engine.errors import AuthInvalid, Invalid, NotFound
from tests.accounts import PASSWORD, account_world


def person(
    email: str = "can@example.com",
    full_name: str = "Can",
    role: str = "customer",
    studio_id: int | None = None,
    phone: str | None = None,
) -> Person:
    return Person(email=email, full_name=full_name, role=role, studio_id=studio_id, phone=phone)


async def test_thousands_of_customers_are_made_with_one_hash(database: str) -> None:
    async with account_world(database) as world:
        people = [Person(email=f"g{n}@example.com", full_name=f"Guest {n}") for n in range(4_500)]
        made = await world.accounts.create(people, PASSWORD)
        assert world.hasher.work == 1
        assert [account.email for account in made] == [person.email for person in people]
        assert await world.accounts.me(made[-1].id) == made[-1]
        assert (await world.login("g7@example.com")).account == made[7]


async def test_without_a_password_nobody_signs_in(database: str) -> None:
    async with account_world(database) as world:
        await world.accounts.create([Person(email="g@example.com", full_name="G")], None)
        with pytest.raises(AuthInvalid):
            await world.login("g@example.com", "")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (person(email="ADA@example.com"), "email"),
        (person(phone="0532 111 00 01"), "phone"),
        (person(role="desk"), "studio_id"),
        (person(studio_id=1), "studio_id"),
        (person(role="desk", studio_id=404), "studio_id"),
    ],
)
async def test_an_account_that_cannot_be_is_refused_by_the_name_of_its_field(
    database: str, wrong: Person, field: str
) -> None:
    async with account_world(database) as world:
        await world.register()
        with pytest.raises(Invalid) as refused:
            await world.accounts.create([wrong], None)
        assert [error.field for error in refused.value.errors] == [field]
        assert await world.count("account") == 1


@pytest.mark.parametrize(
    "wrong", [person(email="no address"), person(phone="12"), person(full_name=" ")]
)
async def test_an_account_of_no_form_is_refused_in_a_sentence(database: str, wrong: Person) -> None:
    async with account_world(database) as world:
        with pytest.raises(Invalid, match=r"^[A-Z].*\.$"):
            await world.accounts.create([wrong], None)


async def test_a_new_standing_ends_what_tokens_claim_of_the_old_one(database: str) -> None:
    async with account_world(database) as world:
        studio_id = await world.pool.fetchval("insert into studio (name) values ('S') returning id")
        guest = await world.guest()
        await world.accounts.set_standing(
            guest.account.id, role="desk", studio_id=studio_id, usable=True
        )
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(guest.refresh_token)
        now = (await world.login()).account
        assert (now.role, now.studio_id) == ("desk", studio_id)


async def test_a_disabled_account_neither_signs_in_nor_refreshes_nor_is_told(
    database: str,
) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        await world.accounts.set_standing(
            guest.account.id, role="customer", studio_id=None, usable=False
        )
        with pytest.raises(AuthInvalid):
            await world.login()
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(guest.refresh_token)
        with pytest.raises(AuthInvalid):
            await world.accounts.reset_password(link, "another horse", "tr")
        with pytest.raises(AuthInvalid):
            await world.accounts.me(guest.account.id)
        await world.register()
        assert (await world.mails())[-1]["done_at"] is not None


async def test_nobody_has_no_standing(database: str) -> None:
    async with account_world(database) as world:
        with pytest.raises(NotFound):
            await world.accounts.set_standing(404, role="customer", studio_id=None, usable=True)
        with pytest.raises(AuthInvalid):
            await world.accounts.me(404)
