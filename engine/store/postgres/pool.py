"""How every connection of ours is opened: its types, its settings, its errors.

Instants cross as epoch milliseconds (`timestamptz` <-> int, floor), JSON as plain objects
(`jsonb` <-> what orjson knows). Our sessions are stateful (settings, prepared statements, advisory
locks), so a pooler in between has to pool sessions, not transactions. Must never put a password
into a sentence.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection
Pool = asyncpg.Pool
AnyConnection = Connection | PoolConnectionProxy
Profile = Literal["catalog", "commit", "resolve"]

VERSION_MIN = 15
TRANSACTION_TIMEOUT_VERSION_MIN = 17
_2000_MS = 946_684_800_000  # PostgreSQL counts from 2000-01-01
_JSONB_FORMAT = b"\x01"
_UNHEARD_S = 1.0
"""After PostgreSQL's own limit for a statement: a connection that is silent even then is dead."""
_MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")


class StoreUnavailable(Exception):
    """The database cannot be used; `str()` is one sentence saying why, without any secret."""


class UnsafeDatabase(Exception):
    """The database may forget what it has confirmed; `str()` is one sentence saying why."""


@dataclass(frozen=True, slots=True)
class ConnectSettings:
    """What connections have in common, with units."""

    application_name: str = "hothour"
    """What pg_stat_activity shows, followed by the profile."""
    connect_timeout_s: float = 5.0
    """Past it StoreUnavailable."""
    catalog_connections_max: int = 10
    """Size of the pool; whoever finds none free waits for one."""
    catalog_statement_timeout_ms: int = 10_000
    """Past it PostgreSQL cancels the catalog's statement (57014)."""
    transaction_timeout_ms: int = 5_000
    """Past it PostgreSQL 17 and newer ends the committer's connection: a statement of which the
    last bytes never came would hold its row locks for ever."""
    role: str | None = None
    """The role to act as (`SET ROLE`); None: the one that logged in."""


# One generic plan, by index, also on tables that were empty when they were last analysed.
_BY_INDEX = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


async def connect(
    dsn: str, settings: ConnectSettings | None = None, *, profile: Profile = "catalog"
) -> Connection:
    """One connection; the caller closes it.

    `commit` is for the committer's flights, `resolve` for moving a fence, `catalog` for the rest.
    Raises StoreUnavailable.
    """
    settings = settings or ConnectSettings()
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=settings.connect_timeout_s,
            server_settings=_server_settings(settings, profile),
        )
        try:
            await _set_up(connection)
            if profile == "commit" and _major(connection) >= TRANSACTION_TIMEOUT_VERSION_MIN:
                # Not asked for at connecting: an older server would refuse us for the name.
                limit_ms = settings.transaction_timeout_ms
                await connection.execute(f"set transaction_timeout = {limit_ms}")
        except BaseException:
            connection.terminate()
            raise
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise _unavailable(dsn, error) from error
    return connection


async def open_pool(dsn: str, settings: ConnectSettings | None = None) -> Pool:
    """The catalog's pool; the caller closes it. Raises StoreUnavailable."""
    settings = settings or ConnectSettings()
    try:
        return await asyncpg.create_pool(
            dsn,
            timeout=settings.connect_timeout_s,
            command_timeout=settings.catalog_statement_timeout_ms / 1_000 + _UNHEARD_S,
            min_size=1,
            max_size=settings.catalog_connections_max,
            server_settings=_server_settings(settings, "catalog"),
            init=_set_up,
            reset=_keep_session,
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise _unavailable(dsn, error) from error


async def assert_safe(connection: AnyConnection, allow_unsafe: bool) -> None:
    """Refuse a database that is too old or may lose what it has confirmed.

    `allow_unsafe` lets durability be off (tests), never the version. Raises UnsafeDatabase.
    """
    if _major(connection) < VERSION_MIN:
        raise UnsafeDatabase(
            f"The database is PostgreSQL {_major(connection)}: {VERSION_MIN} or newer is needed."
        )
    off = await connection.fetch(
        "select name from pg_settings where name = any($1) and setting = 'off' order by name",
        _MUST_BE_ON,
    )
    if off and not allow_unsafe:
        names = " and ".join(row["name"] for row in off)
        raise UnsafeDatabase(
            f"The database runs with {names} off, so a confirmed booking could be lost:"
            " switch it on."
        )


def _server_settings(settings: ConnectSettings, profile: Profile) -> dict[str, str]:
    common = {
        "application_name": f"{settings.application_name} {profile}",
        "timezone": "UTC",
        "jit": "off",
    }
    if settings.role is not None:
        common["role"] = settings.role
    if profile == "catalog":
        return common | {"statement_timeout": str(settings.catalog_statement_timeout_ms)}
    return common | _BY_INDEX


async def _set_up(connection: AnyConnection) -> None:
    """Teach a connection our types; their arrays follow."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda at_ms: ((at_ms - _2000_MS) * 1_000,),
        decoder=lambda parts: parts[0] // 1_000 + _2000_MS,
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_to_jsonb, decoder=_from_jsonb
    )


async def _keep_session(_: AnyConnection) -> None:
    """What happens on giving a connection back, after asyncpg has ended an open transaction.

    Nothing: the catalog sets things for a transaction only, and asyncpg's own RESET ALL would be
    a round trip a query.
    """


def _to_jsonb(value: Any) -> bytes:
    return _JSONB_FORMAT + orjson.dumps(value)


def _from_jsonb(stored: bytes) -> Any:
    return orjson.loads(stored[1:])


def _major(connection: AnyConnection) -> int:
    return connection.get_server_version().major


def _unavailable(dsn: str, error: Exception) -> StoreUnavailable:
    where = _place(dsn)
    match error:
        case asyncpg.PostgresError():
            return StoreUnavailable(f"The database at {where} refuses us: {_first_line(error)}.")
        case TimeoutError():
            return StoreUnavailable(f"The database at {where} does not answer in time.")
        case OSError():
            why = error.strerror or _first_line(error)
            return StoreUnavailable(f"The database at {where} cannot be reached: {why}.")
        case _:
            # Not the driver's own words: they may quote a piece of the password.
            return StoreUnavailable("The database's address is not understood.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _place(dsn: str) -> str:
    """Host, port and database of an address, and nothing that may be secret."""
    try:
        url = urlsplit(dsn)
        host = url.hostname or parse_qs(url.query).get("host", ["the local socket"])[0]
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return "the given address"
    return f"{host}{port}{url.path}"
