"""Real processes killed, stopped and cut off under a load of real clients; every promise audited.

A few of each kind; `python -m tests.e2e.kills` runs as many as it is told.
"""

from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest

from tests.database import open_folder
from tests.e2e.kills import strikes
from tests.e2e.kills.audit import Findings, audit
from tests.e2e.kills.crowd import Crowd
from tests.e2e.kills.run import Row, Run, judge
from tests.e2e.kills.strikes import Struck
from tests.e2e.kills.world import World, world

GUESTS = 60
SEED = 2_026


@pytest.fixture(scope="module")
async def run() -> AsyncIterator[Run]:
    """One PostgreSQL (fsync on) and one server for all of these; kills leave it as it was."""
    with open_folder() as folder:
        async with world(folder, GUESTS) as shop:
            yield Run(shop, SEED)


def hold(row: Row) -> None:
    """Nothing is broken, and enough has happened to say so."""
    too_little = [f"INCONCLUSIVE {sentence}" for sentence in judge([row])]
    assert row.violations + too_little == [], row.as_json()


async def test_killed_at_each_named_point_the_server_keeps_every_promise(run: Run) -> None:
    """The commit was sent; it was committed and unanswered; it was answered, the guest untold."""
    row = await run.cycles("application", strikes.application, 3)
    hold(row)
    assert row.kills == 3
    assert len(row.points) == 3


async def test_postgres_killed_with_a_commit_in_its_hands_loses_and_invents_nothing(
    run: Run,
) -> None:
    row = await run.cycles("postgres", strikes.postgres, 2)
    hold(row)
    assert row.kills == 2


async def test_an_owner_that_slept_past_its_lease_commits_nothing(run: Run) -> None:
    """Its commits do reach PostgreSQL, under a fence that is no longer theirs."""
    await run.world.add_node()
    row = await run.cycles("stale", strikes.stale, 2, patience_s=2.0)
    hold(row)
    await run.everything_once_more(row)
    hold(row)


async def _no_strike(_: World, crowd: Crowd, rng: Random, number: int) -> Struck:
    return Struck("nothing")


BROKEN = {
    "a lost seat": (
        "lost",
        "delete from reservation where id = {reservation}",
    ),
    "another code": ("lost", "update reservation set code = 'HOT-2222' where id = {reservation}"),
    "another owner": (
        "lost",
        "update reservation set user_id = (select id from account where role = 'studio_admin'"
        " limit 1) where id = {reservation}",
    ),
    "a seat nobody asked for": (
        "ghosts",
        "update reservation set key = 'nobody-sent-this-key' where id = {reservation}",
    ),
    "one seat too many": (
        "oversold",
        "update auction set seats = seats - 1, seats_left = 0 where id = {auction}",
    ),
    "a seat left": (
        "unsold",
        "update auction set seats = seats + 1, seats_left = seats_left + 1 where id = {auction}",
    ),
    "a seat that does not count": (
        "log",
        "update auction set seats_left = seats_left + 1 where id = {auction}",
    ),
    "a price of another instant": (
        "prices",
        "update reservation set accepted_at = accepted_at - interval '5 s'"
        " where id = {reservation}",
    ),
    "a gap in the log": ("log", "delete from event where auction_id = {auction} and revision = 2"),
}


async def test_the_audit_finds_each_kind_of_broken_promise(run: Run) -> None:
    row = await run.cycles("none", _no_strike, 1)
    hold(row)
    asked, auctions = run.told[-1]
    async with run.world.database.connected() as db:
        for name, (kind, harm) in BROKEN.items():
            found = await _after(db, harm, run)
            assert getattr(found, kind), name
        assert (await audit(db, asked, auctions)).all() == []


async def _after(db: asyncpg.Connection, harm: str, run: Run) -> Findings:
    """The findings with one promise broken by hand; it is mended again."""
    asked, auctions = run.told[-1]
    reservation = await db.fetchval(
        "select id from reservation where auction_id = $1 and status <> 'CANCELLED' limit 1",
        auctions[-1],
    )
    harm = harm.format(reservation=reservation, auction=auctions[-1])
    broken = db.transaction(isolation="repeatable_read")
    await broken.start()
    try:
        assert (await db.execute(harm)).endswith(" 1"), harm
        return await audit(db, asked, auctions)
    finally:
        await broken.rollback()
