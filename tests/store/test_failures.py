"""Which exceptions prove a rollback, asked of a real server where it can be made to raise them."""

import asyncio

import asyncpg
import pytest

from engine.ports.commit import Ambiguous, Rejected, Rejection, Unavailable
from engine.store.postgres.failures import after_sending, is_definite
from engine.store.postgres.pool import connect


async def raised(dsn: str, statement: str, *arguments: object) -> BaseException:
    connection = await connect(dsn)
    try:
        await connection.fetch(statement, *arguments)
    except Exception as error:
        return error
    finally:
        connection.terminate()
    raise AssertionError("it was to fail")


def coded(sqlstate: str) -> str:
    return f"do $$ begin raise exception 'no' using errcode = '{sqlstate}'; end $$"


@pytest.mark.parametrize(
    ("sqlstate", "rejection"),
    [
        ("23505", Rejection.CONFLICT),
        ("40P01", Rejection.RETRY),
        ("40001", Rejection.RETRY),
        ("22012", Rejection.BROKEN),
        ("23514", Rejection.BROKEN),
        ("23503", Rejection.BROKEN),
        ("42P01", Rejection.BROKEN),
    ],
)
async def test_what_the_server_says_of_a_statement_is_a_rollback(
    database: str, sqlstate: str, rejection: Rejection
) -> None:
    meaning = after_sending(await raised(database, coded(sqlstate)))
    assert isinstance(meaning, Rejected)
    assert meaning.rejection is rejection
    assert "no" in str(meaning)


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "53300", "55P03", "57014"])
async def test_what_there_is_no_room_or_time_for_was_not_done_and_is_nobodys_mistake(
    database: str, sqlstate: str
) -> None:
    meaning = after_sending(await raised(database, coded(sqlstate)))
    assert isinstance(meaning, Unavailable)
    assert "no" in str(meaning)


@pytest.mark.parametrize("sqlstate", ["08006", "57P01", "57P02", "57P03", "58030", "XX000"])
async def test_what_it_says_of_itself_proves_nothing(database: str, sqlstate: str) -> None:
    assert isinstance(after_sending(await raised(database, coded(sqlstate))), Ambiguous)


async def test_the_end_of_a_session_proves_nothing(database: str) -> None:
    killed = await raised(database, "select pg_terminate_backend(pg_backend_pid())")
    assert isinstance(after_sending(killed), Ambiguous)
    fatal = asyncpg.PostgresError.new({"S": "FATAL", "V": "FATAL", "C": "25P04", "M": "too long"})
    assert fatal.sqlstate == "25P04"
    assert isinstance(after_sending(fatal), Ambiguous)


async def test_a_transaction_that_took_too_long_proves_nothing(database: str) -> None:
    connection = await connect(database)
    if connection.get_server_version().major < 17:
        await connection.close()
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    await connection.execute("set transaction_timeout = '20ms'")
    with pytest.raises(asyncpg.PostgresError) as ended:
        await connection.execute("select pg_sleep(10)")
    connection.terminate()
    assert isinstance(after_sending(ended.value), Ambiguous)


async def test_an_argument_that_cannot_be_sent_was_not_sent(database: str) -> None:
    assert is_definite(await raised(database, "select $1::bigint", "many"))


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        asyncio.CancelledError(),
        ConnectionResetError(),
        OSError(),
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.InternalClientError("unexpected"),
        asyncpg.InterfaceError("closed"),
        asyncpg.PostgresError("without a code"),
        RuntimeError("what nobody thought of"),
    ],
    ids=repr,
)
def test_everything_else_proves_nothing(error: BaseException) -> None:
    assert not is_definite(error)
    assert isinstance(after_sending(error), Ambiguous)
