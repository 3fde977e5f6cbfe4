"""What the demo needs is made once."""

from edge import running
from edge.demo import seeding
from edge.demo.people import GUESTS, HOUSES, PASSWORD, PLATFORM
from edge.demo.seeding import Seeded
from tests.edge.demo.shop import Shop

EVERYBODY = (PLATFORM, *GUESTS, *(h.admin for h in HOUSES), *(h.desk for h in HOUSES))


async def again(shop: Shop) -> Seeded:
    key = running.signing_key(shop.config)
    return await seeding.seed(shop.config, shop.config.database_url, key)


async def test_everybody_can_log_in_with_the_role_and_studio_that_were_said(shop: Shop) -> None:
    studios = (await shop.api.ask("GET", "/studios"))["items"]
    names = {studio["id"]: studio["name"] for studio in studios}
    assert sorted(names.values()) == sorted(house.name for house in HOUSES)
    assert {studio["zone"] for studio in studios} == {"Europe/Istanbul"}
    of = {login: h.name for h in HOUSES for login in (h.admin, h.desk)}
    for login in EVERYBODY[::3]:
        body = {"email": login.email, "password": PASSWORD}
        user = (await shop.api.ask("POST", "/auth/login", body))["user"]
        assert (user["full_name"], user["role"]) == (login.name, login.role)
        assert (user["gender"], user["email_verified"]) == (login.gender, True)
        assert names.get(user["studio_id"]) == of.get(login)


async def test_a_second_run_adds_nothing(shop: Shop) -> None:
    assert await again(shop) == Seeded(studios=0, accounts=0)
    assert len((await shop.api.ask("GET", "/studios"))["items"]) == len(HOUSES)


async def test_what_a_run_that_was_cut_short_left_out_is_made(shop: Shop) -> None:
    await shop.forget(GUESTS[3].email, HOUSES[1].admin.email, HOUSES[1].desk.email)
    assert await again(shop) == Seeded(studios=1, accounts=3)
    assert len((await shop.api.ask("GET", "/studios"))["items"]) == len(HOUSES)
    body = {"email": HOUSES[1].desk.email, "password": PASSWORD}
    desk = (await shop.api.ask("POST", "/auth/login", body))["user"]
    body = {"email": HOUSES[1].admin.email, "password": PASSWORD}
    admin = (await shop.api.ask("POST", "/auth/login", body))["user"]
    assert desk["studio_id"] == admin["studio_id"]
