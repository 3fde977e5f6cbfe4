"""The plans: by index and with a condition, whatever the tables held when they were looked at."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from engine.ports.commit import Committed, Entry
from engine.store.postgres.commit import PostgresFlight
from engine.store.postgres.pool import Connection, Profile, connect
from engine.store.postgres.statement import (
    AUCTIONS_OF,
    LEAN,
    LOOK,
    PLACED,
    PLAIN,
    RESERVATIONS_OF,
    RESOLVE,
    TAKE,
    TAKE_OWN,
    TRACES,
    WIDE,
)
from tests.contracts.worlds import PostgresWorld

ROWS = 20_000
_LOAD = f"""
insert into studio (id, name) overriding system value values (1, 'Stüdyo') on conflict do nothing;
insert into account (email, full_name, email_verified_at)
    select 'guest' || n || '@example.com', 'Konuk', now() from generate_series(1, {ROWS}) n;
insert into auction (studio_id, title, start_price, floor_price, drop_amount, drop_every_ms,
        starts_at, ends_at, class_at, status, seats_left)
    select 1, 'Yoga', 200, 100, 10, 60000, now(), now() + interval '1 hour',
        now() + interval '2 hours', 'SOLD', 0 from generate_series(1, {ROWS}) n;
insert into reservation (id, auction_id, user_id, seat_no, price, code, key, revision, accepted_at)
    select n, n, n, 1, 100,
        'HOT-' || translate(lpad(to_hex(n), 8, '0'), '0123456789abcdef', 'ABCDEFGH23456789'),
        'key-' || n, 1, now() from generate_series(1, {ROWS}) n;
insert into event (auction_id, revision, kind, at, payload, commit_id)
    select n, 1, 'booked', now(), '{{}}', gen_random_uuid() from generate_series(1, {ROWS}) n;
"""
EMPTY = {"empty, never analysed": "", "empty, analysed": "analyze"}
FULL = {
    "full, never analysed": _LOAD,
    "full, analysed while empty": f"analyze; {_LOAD}",
    "full, analysed": f"{_LOAD}; analyze",
}
OTHERS = (RESOLVE, TRACES, PLACED, TAKE, TAKE_OWN, AUCTIONS_OF, RESERVATIONS_OF, LOOK)
_READS_A_TABLE = frozenset(
    {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan", "Tid Scan", "Sample Scan"}
)


@pytest.fixture(params=[*EMPTY, *FULL])
async def prepared(database: str, request: pytest.FixtureRequest) -> str:
    """A database in one of those states."""
    script = (EMPTY | FULL)[request.param]
    async with connected(database, "catalog") as connection:
        await connection.execute(script or "select")
    return database


async def test_nothing_ever_reads_a_whole_table(prepared: str) -> None:
    async with committing(prepared) as (connection, names):
        for name in names:
            assert list(whole_reads(await plan(connection, name))) == []
    async with connected(prepared, "resolve") as connection:
        for n, sql in enumerate(OTHERS):
            await connection.execute(f"prepare probe_{n} as {sql}")
            assert list(whole_reads(await plan(connection, f"probe_{n}"))) == []


@pytest.mark.parametrize("prepared", FULL, indirect=True)
async def test_full_tables_are_read_by_the_right_index(prepared: str) -> None:
    """An index is read from end to end, too, if it is asked for anything but its first column."""
    async with committing(prepared) as (connection, names):
        first = await first_columns(connection)
        for name in names:
            assert list(misused(await plan(connection, name), first)) == []


@pytest.mark.parametrize("prepared", EMPTY, indirect=True)
async def test_a_plan_made_for_empty_tables_does_not_outlive_them(prepared: str) -> None:
    world = await PostgresWorld.open(prepared)
    connection = await connect(prepared, profile="commit")
    flight = PostgresFlight(connection, timeout_ms=5_000)
    await flight.warm_up()
    await world.connection.execute(_LOAD)
    # Turns that change nothing are turns: as many as any small rush has.
    entries = [
        Entry(0, loaded.fence, loaded.state.auction, loaded.high_water_ms)
        for loaded in await world.commits.take_over(range(1, 131))
    ]
    for some in (entries[:129], entries[129:]):
        outcomes = await flight.commit(uuid4(), some)
        assert all(isinstance(outcome, Committed) for outcome in outcomes.values())

    first = await first_columns(connection)
    for name in await statement_names(connection):
        assert list(misused(await plan(connection, name), first)) == []
    await flight.close()
    await world.close()


async def test_exists_would_read_whole_tables(database: str) -> None:
    """Why the probes are written as they are; and that the tests above can fail."""
    naive = re.sub(
        r"\(select 1 from account q\s+(where q.id = r.user_id.*?) limit 1\) is null",
        r"not exists (select 1 from account q \1)",
        LEAN.sql,
        flags=re.DOTALL,
    )
    assert naive != LEAN.sql
    async with connected(database, "commit") as connection:
        await connection.execute(f"prepare naive as {naive}")
        assert list(whole_reads(await plan(connection, "naive")))


@asynccontextmanager
async def connected(dsn: str, profile: Profile) -> AsyncIterator[Connection]:
    connection = await connect(dsn, profile=profile)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def committing(dsn: str) -> AsyncIterator[tuple[Connection, list[str]]]:
    """A flight's own connection, and the names of the statements that it has prepared."""
    async with connected(dsn, "commit") as connection:
        flight = PostgresFlight(connection, timeout_ms=5_000)
        await flight.warm_up()
        yield connection, await statement_names(connection)


async def statement_names(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "select name from pg_prepared_statements where statement = any ($1)",
        [PLAIN.sql, LEAN.sql, WIDE.sql],
    )
    assert len(rows) == 3
    return [f'"{row["name"]}"' for row in rows]


async def plan(connection: Connection, name: str) -> dict[str, Any]:
    """Of a prepared statement: the generic plan, since there is no other."""
    assert await connection.fetchval("show plan_cache_mode") == "force_generic_plan"
    count = await connection.fetchval(
        "select cardinality(parameter_types) from pg_prepared_statements where name = $1",
        name.strip('"'),
    )
    nulls = ", ".join(["null"] * count)
    answer = await connection.fetchval(f"explain (format json) execute {name}({nulls})")
    found: dict[str, Any] = json.loads(answer)[0]["Plan"]
    return found


async def first_columns(connection: Connection) -> Mapping[str, str]:
    rows = await connection.fetch(
        "select i.indexrelid::regclass::text as name, a.attname as first from pg_index i"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
    )
    return {row["name"]: row["first"] for row in rows}


def reads(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes that read a table."""
    if node["Node Type"] in _READS_A_TABLE:
        yield node
    for child in node.get("Plans", ()):
        yield from reads(child)


def whole_reads(node: dict[str, Any]) -> Iterator[str]:
    """What is read without a condition; the 64 shards may be counted."""
    for read in reads(node):
        name = read.get("Index Name") or read["Relation Name"]
        if "Index Cond" not in read and name not in ("shard", "shard_pkey"):
            yield f"{read['Node Type']} {name}"


def misused(node: dict[str, Any], first: Mapping[str, str]) -> Iterator[str]:
    """Indexes that are not asked for their first column."""
    for read in reads(node):
        column = first[read["Index Name"]]
        if not re.search(rf"\b{column}\b", read.get("Index Cond", "")):
            yield f"{read['Index Name']}: {read.get('Index Cond')}"
