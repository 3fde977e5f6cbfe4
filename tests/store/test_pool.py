"""How connections are opened: types, settings of each profile, refusals, sentences for errors."""

import asyncio
import datetime
import time
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from engine.store.postgres.pool import (
    Connection,
    ConnectSettings,
    Profile,
    StoreUnavailable,
    UnsafeDatabase,
    assert_safe,
    connect,
    open_pool,
)
from tests.database import dsn_as, dsn_for


@pytest.fixture(scope="module")
async def connection(postgres_server: str) -> AsyncIterator[Connection]:
    connection = await connect(postgres_server)
    yield connection
    await connection.close()


# --- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01 00:00:00+00", 0),
        ("2000-01-01 00:00:00+00", 946_684_800_000),
        ("2026-07-31 18:59:59.999+03", 1_785_513_599_999),
        # Microseconds that others wrote are cut off downwards, before 2000 and before 1970 too.
        ("2000-01-01 00:00:00.001999+00", 946_684_800_001),
        ("1999-12-31 23:59:59.999999+00", 946_684_799_999),
        ("1969-12-31 23:59:59.999999+00", -1),
    ],
)
async def test_instants_are_read_as_milliseconds(
    connection: Connection, text: str, at_ms: int
) -> None:
    assert await connection.fetchval("select $1::text::timestamptz", text) == at_ms


@pytest.mark.parametrize("at_ms", [0, 1, -1, 946_684_799_999, 1_785_513_599_999, 4_102_444_800_000])
async def test_instants_come_back_as_they_were_sent(connection: Connection, at_ms: int) -> None:
    assert await connection.fetchval("select $1::timestamptz", at_ms) == at_ms
    stored_s = await connection.fetchval("select extract(epoch from $1::timestamptz)", at_ms)
    assert stored_s * 1_000 == at_ms


async def test_arrays_of_instants_and_missing_ones_cross_as_well(connection: Connection) -> None:
    assert await connection.fetchval("select $1::timestamptz[]", [5, None, -7]) == [5, None, -7]
    rows = await connection.fetch(
        "select * from unnest($1::bigint[], $2::timestamptz[]) as e(id, at)", [1, 2], [3, None]
    )
    assert [tuple(row) for row in rows] == [(1, 3), (2, None)]


async def test_a_date_object_is_no_instant(connection: Connection) -> None:
    with pytest.raises(asyncpg.DataError):
        await connection.fetchval(
            "select $1::timestamptz", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        )


async def test_json_crosses_as_plain_objects(connection: Connection) -> None:
    payload = {"title": "İyengar yoga", "seats": [1, 2], "turbo": None}
    assert await connection.fetchval("select $1::jsonb", payload) == payload
    assert await connection.fetchval("select $1::jsonb ->> 'title'", payload) == "İyengar yoga"
    cast = "select array_agg(v.payload::jsonb) from unnest($1::text[]) as v(payload)"
    assert await connection.fetchval(cast, ['{"a":1}', "[]"]) == [{"a": 1}, []]


# --- settings ------------------------------------------------------------------------------------


async def setting(connection: Connection, name: str) -> str:
    return str(await connection.fetchval("select current_setting($1)", name))


@pytest.mark.parametrize(
    ("profile", "plan_cache_mode", "enable_seqscan", "statement_timeout"),
    [
        ("catalog", "auto", "on", "10s"),
        ("commit", "force_generic_plan", "off", "0"),
        ("resolve", "force_generic_plan", "off", "0"),
    ],
)
async def test_each_profile_has_its_settings(
    postgres_server: str,
    profile: Profile,
    plan_cache_mode: str,
    enable_seqscan: str,
    statement_timeout: str,
) -> None:
    connection = await connect(postgres_server, profile=profile)
    try:
        assert await setting(connection, "application_name") == f"hothour {profile}"
        assert await setting(connection, "timezone") == "UTC"
        assert await setting(connection, "jit") == "off"
        assert await setting(connection, "plan_cache_mode") == plan_cache_mode
        assert await setting(connection, "enable_seqscan") == enable_seqscan
        assert await setting(connection, "statement_timeout") == statement_timeout
        if connection.get_server_version().major >= 17:
            limit = "5s" if profile == "commit" else "0"
            assert await setting(connection, "transaction_timeout") == limit
    finally:
        await connection.close()


async def test_connections_act_as_the_role_they_are_given(
    postgres_server: str, admin: asyncpg.Connection
) -> None:
    role = f"test_{uuid.uuid4().hex}"
    await admin.execute(f"create role {role} nologin")
    try:
        connection = await connect(postgres_server, ConnectSettings(role=role))
        assert await connection.fetchval("select current_user") == role
        await connection.close()
    finally:
        await admin.execute(f"drop role {role}")


async def test_the_pool_knows_our_types_and_keeps_its_settings_over_uses(
    postgres_server: str,
) -> None:
    pool = await open_pool(postgres_server, ConnectSettings(catalog_connections_max=1))
    try:
        for _ in range(2):
            async with pool.acquire() as connection:
                now_ms = await connection.fetchval("select now()")
                assert abs(now_ms - time.time() * 1_000) < 60_000
                assert await connection.fetchval("show statement_timeout") == "10s"
    finally:
        await pool.close()


async def test_the_pool_leaves_no_transaction_behind(postgres_server: str) -> None:
    pool = await open_pool(postgres_server, ConnectSettings(catalog_connections_max=1))
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('hothour.studio', '7', true)")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            left = await connection.fetchval("select current_setting('hothour.studio', true)")
            assert not left
    finally:
        await pool.close()


# --- refusals ------------------------------------------------------------------------------------


async def test_a_database_that_may_forget_is_refused(
    empty_database: str, admin: asyncpg.Connection
) -> None:
    name = urlsplit(empty_database).path.removeprefix("/")
    await admin.execute(f"alter database {name} set synchronous_commit = off")
    connection = await connect(empty_database)
    try:
        with pytest.raises(UnsafeDatabase, match=r"synchronous_commit off.*could be lost"):
            await assert_safe(connection, allow_unsafe=False)
        await assert_safe(connection, allow_unsafe=True)
    finally:
        await connection.close()


async def test_what_is_off_is_named_and_nothing_else(connection: Connection) -> None:
    rows = await connection.fetch(
        "select name from pg_settings where setting = 'off'"
        " and name in ('fsync', 'full_page_writes', 'synchronous_commit') order by 1"
    )
    if not rows:  # a server of somebody's own, with the defaults
        await assert_safe(connection, allow_unsafe=False)
        return
    with pytest.raises(UnsafeDatabase, match=" and ".join(row["name"] for row in rows) + " off"):
        await assert_safe(connection, allow_unsafe=False)


async def test_a_version_that_is_too_old_is_refused_in_any_case() -> None:
    class Old:
        """The part of a connection that is asked for its version."""

        def get_server_version(self) -> asyncpg.types.ServerVersion:
            return asyncpg.types.ServerVersion(14, 9, 0, "final", 0)

    with pytest.raises(UnsafeDatabase, match="PostgreSQL 14: 15 or newer is needed"):
        await assert_safe(Old(), allow_unsafe=True)  # type: ignore[arg-type]  # no such server here


# --- errors --------------------------------------------------------------------------------------


async def test_a_missing_database_is_named(postgres_server: str) -> None:
    missing = dsn_for(postgres_server, "no_such_database")
    with pytest.raises(StoreUnavailable, match=r'refuses us: database "no_such_database" does not'):
        await connect(missing)
    with pytest.raises(StoreUnavailable, match="no_such_database"):
        await open_pool(missing)


async def test_a_role_that_may_not_log_in_is_told_and_its_password_is_not(
    postgres_server: str, admin: asyncpg.Connection
) -> None:
    role = f"test_{uuid.uuid4().hex}"
    await admin.execute(f"create role {role} nologin")
    try:
        with pytest.raises(StoreUnavailable, match="refuses us") as refused:
            await connect(dsn_as(postgres_server, role, "s3cret"))
        assert "s3cret" not in str(refused.value)
    finally:
        await admin.execute(f"drop role {role}")


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/d", r"at 127\.0\.0\.1:1/d cannot be reached"),
        ("postgresql://u@/d?host=/no/such/folder", r"at /no/such/folder/d cannot be reached"),
        ("mysql://u:s3cret@127.0.0.1/d", "address is not understood"),
        ("postgresql://u:s3cret@127.0.0.1:many/d", "address is not understood"),
    ],
)
async def test_an_unusable_address_is_one_sentence_without_its_password(
    dsn: str, said: str
) -> None:
    with pytest.raises(StoreUnavailable, match=said) as refused:
        await connect(dsn)
    sentence = str(refused.value)
    assert "s3cret" not in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


async def test_a_server_that_says_nothing_is_given_up_in_time(silent_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not answer in time"):
        await connect(
            f"postgresql://u@127.0.0.1:{silent_port}/d", ConnectSettings(connect_timeout_s=0.2)
        )
    assert time.monotonic() - began < 5


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port that takes connections and never says a word."""
    done = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    done.set()
    server.close()
    await server.wait_closed()
