"""What an operator does from the command line: studios, accounts, guests for load tests.

Works on a database that a server may be using at the same time, through the same use cases as HTTP,
with the same checks. Must never hand out tokens in production.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from edge.adapters import Stores, prepare
from edge.config import Config
from edge.hashing import HashLane
from edge.tokens import TokenMint
from engine.catalog.accounts import Accounts, Person
from engine.catalog.login_delays import LoginDelays
from engine.catalog.sessions import Sessions
from engine.catalog.studios import Studios
from engine.clock import AnchoredClock
from engine.ports.studios import Profile

SEED_PASSWORD: Final = "hot-hour-seed"
"""What every seeded account logs in with; seeding refuses to run in production."""


class Refusal(Exception):
    """One sentence about what was asked for."""


@dataclass(frozen=True, slots=True)
class Office:
    """The use cases an operator needs."""

    accounts: Accounts
    sessions: Sessions
    studios: Studios


@asynccontextmanager
async def opened(config: Config, dsn: str, key: str) -> AsyncIterator[Office]:
    """An office on a database, migrated first. Raises what `prepare` and `Stores.open` raise."""
    settings = config.engine
    clock = AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
    )
    await prepare(dsn, allow_unsafe=config.allow_unsafe_database)
    stores, hashing, mint = (
        await Stores.open(dsn, settings),
        HashLane(settings),
        TokenMint(key, clock),
    )
    delays = LoginDelays(clock, settings)
    try:
        yield Office(
            Accounts(
                stores.accounts,
                hashing,
                mint,
                delays,
                clock,
                settings,
                verification=False,
                ended=_nobody_listens,
                mailed=_nobody_carries,
            ),
            Sessions(
                stores.accounts, hashing, mint, delays, clock, settings, ended=_nobody_listens
            ),
            Studios(stores.studios),
        )
    finally:
        hashing.close()
        await stores.close()


def _nobody_listens(_: object) -> None:
    """Servers learn from the database which sessions have ended."""


def _nobody_carries() -> None:
    """A server's poll finds the mail."""


async def seed(office: Office, users: int, out: Path, ttl_s: int) -> None:
    """Make `users` verified customers, one studio with its admin (once a file), and write their
    tokens to `out`. A file that is there is added to. Raises Refusal and Invalid."""
    earlier = _read(out)
    _write(out, earlier)  # before accounts are made whose tokens would be lost
    if earlier is None:
        studio = await office.studios.create(Profile(name="Load Test Studio"))
        admin = Person(
            email=f"admin.{studio.id}@load.example",
            full_name="Load Admin",
            role="studio_admin",
            studio_id=studio.id,
        )
        (made,) = await office.accounts.create([admin], SEED_PASSWORD)
        (token,) = await office.sessions.issue([made], ttl_s)
        earlier = {
            "studio_id": studio.id,
            "studio_admin": {"id": made.id, "email": made.email, "access_token": token},
            "users": [],
        }
    first = len(earlier["users"]) + 1
    studio_id = earlier["studio_id"]
    people = [
        Person(
            email=f"guest.{studio_id}.{number}@load.example",
            full_name=f"Guest {number}",
            gender="FEMALE" if number % 2 else "MALE",
        )
        for number in range(first, first + users)
    ]
    guests = await office.accounts.create(people, SEED_PASSWORD)
    tokens = await office.sessions.issue(guests, ttl_s)
    earlier["users"] += [
        {"id": guest.id, "email": guest.email, "gender": guest.gender, "access_token": token}
        for guest, token in zip(guests, tokens, strict=True)
    ]
    _write(out, earlier)


def _read(out: Path) -> dict[str, Any] | None:
    try:
        text = out.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(f"{out} cannot be read: {error.strerror}.") from error
    try:
        found = orjson.loads(text)
        if isinstance(found["users"], list) and found["studio_admin"] and found["studio_id"]:
            return dict(found)
    except (orjson.JSONDecodeError, TypeError, KeyError):
        pass
    raise Refusal(f"{out} is no file of an earlier `hothour seed`: name another one.")


def _write(out: Path, found: dict[str, Any] | None) -> None:
    """Put it there as a whole; None: only see whether that could be done."""
    try:
        beside = out.with_name(f".{out.name}.new")
        beside.write_bytes(orjson.dumps(found))
        if found is None:
            beside.unlink()
        else:
            beside.replace(out)
    except OSError as error:
        raise Refusal(f"{out} cannot be written: {error.strerror}.") from error
