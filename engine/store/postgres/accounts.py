"""Accounts, sessions and mailed links in PostgreSQL; the statements stand in accounts_sql.py.

Owns the order of locks: an account's row first, then its links, then its sessions. Whoever changes
a password or opens a session holds that row, and sessions are ended by a later statement, which
sees all that was opened before: so no session outlives the password it was opened with. Must never
let the number of statements depend on whether an address is known.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg

from engine.errors import Busy, FieldError, Invalid
from engine.ports.accounts import Account, Credentials, LinkClaim, MailTerms, NewAccount, Session
from engine.store.postgres import accounts_sql as sql
from engine.store.postgres.access import reading, writing
from engine.store.postgres.pool import AnyConnection, Pool

_FIELD_OF = {
    "account_email_once": "email",
    "account_phone_once": "phone",
    "account_studio": "studio_id",
}


class PostgresAccounts:
    """The AccountStore port."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # --- accounts --------------------------------------------------------------------------------

    async def register(self, person: NewAccount, terms: MailTerms) -> Sequence[str]:
        async with writing(self._pool) as connection, connection.transaction():
            email, phone = person.email, person.phone
            ended = await connection.fetch(sql.MAKE_WAY, email, phone, terms.now_ms)
            made = await connection.fetchval(sql.INSERT_UNLESS_TAKEN, *_columns(person))
            owner = await connection.fetchrow(sql.WHO_HAS_IT, email, phone)
            if owner is None:
                raise Busy  # who was in the way has just been replaced by somebody else
            if made is None:
                mail = ("reset_password", terms.reset_until_ms, "mail.already_registered")
                silent = not owner["usable"]
            else:
                mail = ("verify_email", terms.verify_until_ms, "mail.verify_email")
                silent = person.verified_at_ms is not None
            await connection.execute(
                sql.LINK_AND_MAIL, owner["id"], *mail, terms.language, mail[1], silent
            )
        return [row["id"] for row in ended]

    async def create(self, people: Sequence[NewAccount]) -> Sequence[int]:
        columns = zip(*map(_columns, people), strict=True)
        async with writing(self._pool) as connection:
            try:
                rows = await connection.fetch(sql.INSERT_MANY, *columns)
            except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
                field = _FIELD_OF[error.constraint_name or ""]
                raise Invalid(
                    f"This {field} cannot be used for a new account.",
                    (FieldError(field, Invalid.code),),
                ) from error
        ids = {row["email"]: row["id"] for row in rows}
        return [ids[person.email] for person in people]

    async def by_email(self, email: str) -> Credentials | None:
        return await self._credentials("a.email = $1", email)

    async def by_id(self, account_id: int) -> Credentials | None:
        return await self._credentials("a.id = $1", account_id)

    async def set_standing(
        self, account_id: int, *, role: str, studio_id: int | None, usable: bool, now_ms: int
    ) -> Sequence[str] | None:
        state = "OK" if usable else "DISABLED"
        async with writing(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(sql.SET_STANDING, account_id, role, studio_id, state):
                return None
            return await _end_sessions(connection, account_id, now_ms)

    # --- mailed links ----------------------------------------------------------------------------

    async def send_verification(self, email: str, terms: MailTerms) -> None:
        until_ms = terms.verify_until_ms
        await self._send(sql.SEND_VERIFICATION, email, "verify_email", until_ms, terms.language)

    async def send_reset(self, email: str, terms: MailTerms) -> None:
        until_ms = terms.reset_until_ms
        await self._send(sql.SEND_RESET, email, "reset_password", until_ms, terms.language)

    async def verify_email(self, link: LinkClaim, now_ms: int) -> bool:
        async with writing(self._pool) as connection, connection.transaction():
            if not await _use(connection, link, "verify_email", now_ms):
                return False
            await connection.execute(sql.VERIFY, link.account_id, now_ms)
            return True

    async def reset_password(
        self, link: LinkClaim, password_hash: str, now_ms: int, language: str
    ) -> Sequence[str] | None:
        account_id = link.account_id
        async with writing(self._pool) as connection, connection.transaction():
            if not await _use(connection, link, "reset_password", now_ms):
                return None
            await connection.execute(sql.RESET_PASSWORD, account_id, now_ms, password_hash)
            await connection.execute(sql.SPEND_RESETS, account_id, now_ms)
            await connection.execute(sql.MAIL, account_id, "mail.password_changed", language)
            return await _end_sessions(connection, account_id, now_ms)

    async def change_password(
        self,
        account_id: int,
        old_hash: str,
        new_hash: str,
        *,
        keep_session: str,
        now_ms: int,
        language: str,
    ) -> Sequence[str] | None:
        async with writing(self._pool) as connection, connection.transaction():
            changed = await connection.fetchval(sql.CHANGE_PASSWORD, account_id, old_hash, new_hash)
            if changed is None:
                return None
            await connection.execute(sql.SPEND_RESETS, account_id, now_ms)
            await connection.execute(sql.MAIL, account_id, "mail.password_changed", language)
            return await _end_sessions(connection, account_id, now_ms, keep_session)

    # --- sessions --------------------------------------------------------------------------------

    async def open_session(
        self,
        account_id: int,
        password_hash: str,
        *,
        now_ms: int,
        expires_at_ms: int,
        sessions_max: int,
    ) -> tuple[Session, Sequence[str]] | None:
        async with writing(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(sql.LOCK_CREDENTIALS, account_id, password_hash):
                return None
            pushed_out = await connection.fetch(sql.PUSH_OUT, account_id, now_ms, sessions_max - 1)
            row = await connection.fetchrow(sql.INSERT_SESSION, account_id, now_ms, expires_at_ms)
        assert row is not None, "an insert of one row returns it"
        return _session(row), [gone["id"] for gone in pushed_out]

    async def open_sessions(
        self, account_ids: Sequence[int], *, now_ms: int, expires_at_ms: int
    ) -> Sequence[str]:
        async with writing(self._pool) as connection:
            rows = await connection.fetch(sql.INSERT_SESSIONS, account_ids, now_ms, expires_at_ms)
        ids = {row["account_id"]: row["id"] for row in rows}
        return [ids[account_id] for account_id in account_ids]

    async def advance(
        self, session_id: str, generation: int, now_ms: int
    ) -> tuple[Session, Account] | None:
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(sql.ADVANCE, session_id, generation, now_ms)
        return None if row is None else (_session(row), _account(row))

    async def session(self, session_id: str) -> tuple[Session, Account] | None:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(sql.READ_SESSION, session_id)
        return None if row is None else (_session(row), _account(row))

    async def end_session(self, session_id: str, now_ms: int) -> Sequence[str]:
        async with writing(self._pool) as connection:
            rows = await connection.fetch(sql.END_SESSION, session_id, now_ms)
        return [row["id"] for row in rows]

    async def end_sessions(self, account_id: int, now_ms: int) -> Sequence[str]:
        async with writing(self._pool) as connection:
            return await _end_sessions(connection, account_id, now_ms)

    async def ended_since(self, since_ms: int) -> Sequence[tuple[str, int]]:
        async with reading(self._pool) as connection:
            rows = await connection.fetch(sql.ENDED_SINCE, since_ms)
        return [(row["id"], row["revoked_at"]) for row in rows]

    async def sweep(self, before_ms: int, limit: int) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(sql.SWEEP_LINKS, before_ms, limit)
            await connection.execute(sql.SWEEP_SESSIONS, before_ms, limit)

    async def _credentials(self, condition: str, value: str | int) -> Credentials | None:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(f"{sql.CREDENTIALS} where {condition}", value)
        if row is None:
            return None
        return Credentials(_account(row), row["password_hash"], row["usable"])

    async def _send(
        self, statement: str, email: str, purpose: str, until_ms: int, language: str
    ) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(
                statement, email, purpose, until_ms, f"mail.{purpose}", language, until_ms
            )


async def _use(connection: AnyConnection, link: LinkClaim, purpose: str, now_ms: int) -> bool:
    """Spend a link; its account stays locked to the end of the transaction."""
    if not await connection.fetchval(sql.LOCK_ACCOUNT, link.account_id):
        return False
    used = await connection.fetchval(sql.USE_LINK, link.jti, link.account_id, purpose, now_ms)
    return used is not None


async def _end_sessions(
    connection: AnyConnection, account_id: int, now_ms: int, keep: str | None = None
) -> Sequence[str]:
    rows = await connection.fetch(sql.END_SESSIONS, account_id, now_ms, keep)
    return [row["id"] for row in rows]


def _columns(person: NewAccount) -> tuple[Any, ...]:
    """In the order of INSERT_COLUMNS."""
    return (
        person.email,
        person.full_name,
        person.phone,
        person.gender,
        person.role,
        person.studio_id,
        person.password_hash,
        person.verified_at_ms,
        person.marketing_consent_at_ms,
    )


def _account(row: asyncpg.Record) -> Account:
    return Account(
        row["id"],
        row["email"],
        row["full_name"],
        row["phone"],
        row["gender"],
        row["role"],
        row["studio_id"],
        row["email_verified"],
    )


def _session(row: asyncpg.Record) -> Session:
    return Session(
        row["sid"],
        row["account_id"],
        row["generation"],
        row["rotated_at"],
        row["created_at"],
        row["expires_at"],
        row["ended"],
    )
