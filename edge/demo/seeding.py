"""The demo's studios and accounts, made where they are missing, as an operator's commands do it.

Recognises everybody by their e-mail address, so that a second run adds nothing twice; a password
that somebody changed stays changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from edge.adapters import Stores
from edge.config import Config
from edge.demo.people import GUESTS, HOUSES, PASSWORD, PLATFORM, ZONE, House, Login
from edge.office import Office, opened
from engine.catalog.accounts import Person
from engine.ports.accounts import Account, AccountStore
from engine.ports.studios import Profile


@dataclass(frozen=True, slots=True)
class Seeded:
    """How much was missing."""

    studios: int
    accounts: int


async def seed(config: Config, dsn: str, key: str) -> Seeded:
    """Make whatever is missing in a database. Raises what `office.opened` raises."""
    stores = await Stores.open(dsn, config.engine)
    try:
        async with opened(config, dsn, key) as office:
            return await fill(office, stores.accounts)
    finally:
        await stores.close()


async def fill(office: Office, accounts: AccountStore) -> Seeded:
    """Make whatever is missing. Raises Busy, Invalid."""
    studios = made = 0
    for house in HOUSES:
        admin = await _known(accounts, house.admin)
        studio_id = None if admin is None else admin.studio_id
        if studio_id is None:
            studio_id = await _open(office, house)
            studios += 1
        made += await _make(office, accounts, (house.admin, house.desk), studio_id)
    made += await _make(office, accounts, (PLATFORM, *GUESTS), None)
    return Seeded(studios, made)


async def _known(accounts: AccountStore, login: Login) -> Account | None:
    found = await accounts.by_email(login.email)
    return None if found is None else found.account


async def _open(office: Office, house: House) -> int:
    """The studio of a house whose admin is not there yet: made, unless a run that was cut short
    made it already."""
    after = 0
    while True:
        page = await office.studios.page(after, 100)
        for studio in page.studios:
            if (studio.profile.name, studio.profile.address) == (house.name, house.address):
                return studio.id
        if page.following is None:
            break
        after = page.following
    profile = Profile(name=house.name, address=house.address, zone=ZONE)
    return (await office.studios.create(profile)).id


async def _make(
    office: Office, accounts: AccountStore, logins: Iterable[Login], studio_id: int | None
) -> int:
    """Make those who are missing, all at once: hashing a password is slow, and it is one hash."""
    missing = [
        Person(
            email=login.email,
            full_name=login.name,
            role=login.role,
            studio_id=studio_id,
            gender=login.gender,
        )
        for login in logins
        if await _known(accounts, login) is None
    ]
    if missing:
        await office.accounts.create(missing, PASSWORD)
    return len(missing)
