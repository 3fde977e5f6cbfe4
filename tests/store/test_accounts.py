"""Accounts in PostgreSQL: what only the store can get wrong."""

import asyncio

import asyncpg
import pytest

from engine.errors import Busy, UnknownOutcome
from engine.ports.accounts import LinkClaim, MailTerms, NewAccount
from engine.store.postgres.accounts import PostgresAccounts
from engine.store.postgres.pool import ConnectSettings, connect, open_pool
from tests.accounts import NOW_MS, PASSWORD, World, account_world

HOUR_MS = 3_600_000
TERMS = MailTerms(
    now_ms=NOW_MS, language="tr", verify_until_ms=NOW_MS + HOUR_MS, reset_until_ms=NOW_MS + HOUR_MS
)
ADA = NewAccount(email="ada@example.com", full_name="Ada", phone="+905321110001", password_hash="x")


async def opened(world: World, account_id: int) -> str:
    found = await world.store.open_session(
        account_id,
        await world.pool.fetchval("select password_hash from account where id = $1", account_id),
        now_ms=world.clock.now_ms(),
        expires_at_ms=world.clock.now_ms() + HOUR_MS,
        sessions_max=5,
    )
    assert found is not None
    return found[0].id


async def test_a_session_that_is_opened_while_the_password_changes_does_not_outlive_it(
    database: str,
) -> None:
    """The log-in holds the account's row; the reset waits for it and ends what it opened."""
    async with account_world(database) as world:
        guest = await world.guest()
        await world.accounts.forgot_password(guest.account.email, "tr")
        link = world.mint.read_link(await world.newest_link("reset_password"), "reset_password")
        slow = await connect(database)
        async with slow.transaction():
            await slow.execute("select from account where id = $1 for update", guest.account.id)
            reset = asyncio.create_task(world.store.reset_password(link, "y", NOW_MS, "tr"))
            await waits_for_a_lock(slow, reset)
            late = await slow.fetchval(
                """insert into session (id, account_id, rotated_at, created_at, expires_at)
                   values (gen_random_uuid(), $1, $2, $2, $3) returning id::text""",
                guest.account.id,
                NOW_MS,
                NOW_MS + HOUR_MS,
            )
        ended = await reset
        assert ended is not None
        assert late in ended
        await slow.close()


async def waits_for_a_lock(connection: asyncpg.Connection, task: asyncio.Task[object]) -> None:
    """Until somebody else's statement waits for a lock."""
    async with asyncio.timeout(5):
        while not await connection.fetchval("select count(*) from pg_locks where not granted"):
            assert not task.done(), "it did not wait"


async def test_ids_come_in_the_order_that_was_asked_for(database: str) -> None:
    async with account_world(database) as world:
        people = [NewAccount(email=f"g{n}@example.com", full_name="G") for n in range(300)]
        ids = await world.store.create(people)
        rows = await world.pool.fetch("select id, email from account")
        emails = {row["id"]: row["email"] for row in rows}
        assert [emails[id_] for id_ in ids] == [person.email for person in people]
        turned = list(reversed(ids))
        sessions = await world.store.open_sessions(turned, now_ms=0, expires_at_ms=HOUR_MS)
        found = await world.pool.fetch("select id::text, account_id from session")
        owners = {row["id"]: row["account_id"] for row in found}
        assert [owners[session_id] for session_id in sessions] == turned


async def test_of_many_accounts_all_are_made_or_none(database: str) -> None:
    async with account_world(database) as world:
        people = [NewAccount(email=e, full_name="G") for e in ("a@example.com", "a@example.com")]
        with pytest.raises(Exception, match="email"):
            await world.store.create(people)
        assert await world.count("account") == 0


async def test_only_sessions_that_ended_later_are_read(database: str) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        ids = [await opened(world, guest.account.id) for _ in range(3)]
        for n, session_id in enumerate(ids[:2]):
            assert await world.store.end_session(session_id, NOW_MS + n) == [session_id]
            assert await world.store.end_session(session_id, NOW_MS + 9) == []
        assert await world.store.ended_since(NOW_MS - 1) == [(ids[0], NOW_MS), (ids[1], NOW_MS + 1)]
        assert await world.store.ended_since(NOW_MS) == [(ids[1], NOW_MS + 1)]


async def test_what_ends_sessions_names_only_those_it_ended(database: str) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        first = await opened(world, guest.account.id)
        await world.store.end_session(first, NOW_MS)
        ended = await world.store.end_sessions(guest.account.id, NOW_MS)
        assert len(ended) == 1
        assert first not in ended


async def test_a_session_is_no_good_once_its_account_is_not(database: str) -> None:
    """However that came about: this store is not the only one to disable accounts."""
    async with account_world(database) as world:
        session_id = await opened(world, (await world.guest()).account.id)
        assert await world.store.session(session_id)
        await world.pool.execute("update account set state = 'DISABLED'")
        assert await world.store.session(session_id) is None
        assert await world.store.advance(session_id, 0, NOW_MS) is None


async def test_a_link_needs_its_own_account(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        await world.register(email="can@example.com", phone="+905321110002")
        ada, can = await world.mails()
        crossed = LinkClaim(ada["payload"]["jti"], can["user_id"])
        assert not await world.store.verify_email(crossed, NOW_MS)
        assert await world.store.verify_email(
            LinkClaim(ada["payload"]["jti"], ada["user_id"]), NOW_MS
        )


async def test_a_registration_that_fails_leaves_nothing(database: str) -> None:
    async with account_world(database) as world:
        await world.pool.execute("alter table outbox add constraint never check (false)")
        with pytest.raises(asyncpg.CheckViolationError):
            await world.store.register(ADA, TERMS)
        assert (await world.count("account"), await world.count("account_token")) == (0, 0)


async def test_whoever_was_in_the_way_and_is_gone_again_makes_it_busy(database: str) -> None:
    async with account_world(database) as world:
        await world.pool.execute(
            """create function skip() returns trigger language plpgsql as
               $$ begin return null; end $$"""
        )
        await world.pool.execute(
            "create trigger skip before insert on account for each row execute function skip()"
        )
        with pytest.raises(Busy):
            await world.store.register(ADA, TERMS)
        assert await world.count("outbox") == 0


async def test_no_statement_reads_a_whole_table_to_find_somebody(database: str) -> None:
    """On a loaded, analysed database: the plans by which guests sign in and register."""
    async with account_world(database) as world:
        people = [
            NewAccount(email=f"g{n}@example.com", full_name="G", phone=f"+9053{n:08}")
            for n in range(3_000)
        ]
        ids = await world.store.create(people)
        await world.store.open_sessions(ids, now_ms=NOW_MS, expires_at_ms=NOW_MS + HOUR_MS)
        await world.pool.execute(
            """insert into account_token (id, account_id, purpose, expires_at)
               select gen_random_uuid(), id, 'verify_email', now() from account"""
        )
        await world.pool.execute("analyze")
        before = await seq_scans(world)
        await world.register()
        signed_in = await world.login()
        await world.sessions.refresh(signed_in.refresh_token)
        await world.sessions.logout(signed_in.refresh_token)
        await world.accounts.verify_email(await world.newest_link("verify_email"))
        await world.accounts.forgot_password("ada@example.com", "tr")
        await world.store.ended_since(NOW_MS - 1)
        assert await seq_scans(world) == before


async def seq_scans(world: World) -> dict[str, int]:
    # Each connection reports what it did when it is idle; asked on all of them, they are.
    async with world.pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        rows = await connection.fetch(
            """select relname, seq_scan from pg_stat_user_tables
               where relname in ('account', 'session', 'account_token')"""
        )
        return {row["relname"]: row["seq_scan"] for row in rows}


async def test_a_database_that_goes_away_between_statements_has_done_nothing(
    database: str,
) -> None:
    async with account_world(database) as world:
        await world.register()
        await world.pool.execute(
            """create function cut() returns trigger language plpgsql as
               $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"""
        )
        await world.pool.execute(
            "create trigger cut before insert on account for each row execute function cut()"
        )
        with pytest.raises((Busy, UnknownOutcome)):
            await world.store.register(ADA, TERMS)
        await world.pool.execute("drop trigger cut on account")
        assert await world.count("account") == 1
        assert await world.login(password=PASSWORD)


async def test_an_exhausted_pool_is_busy_and_does_not_wait_for_ever(database: str) -> None:
    pool = await open_pool(database, ConnectSettings(catalog_connections_max=1))
    store = PostgresAccounts(pool)
    async with pool.acquire():
        with pytest.raises(Busy):
            await store.by_email("ada@example.com")
    assert await store.by_email("ada@example.com") is None
    await pool.close()
