"""Idempotency keys in PostgreSQL: table `idempotency_key`, one row a key of an account.

Each statement here may be lost or repeated without harm (a lost claim goes stale), so a failure is
Busy whether it was sent or not: connections are borrowed as for reading.
"""

from typing import Final

from engine.ports.keys import Kept
from engine.store.postgres.access import reading
from engine.store.postgres.pool import Pool

_ATTEMPTS_MAX: Final = 3

_CLAIM: Final = """
insert into idempotency_key as k (account_id, key, fingerprint, status, body)
values ($1, $2, $3, 0, '')
on conflict (account_id, key) do update set fingerprint = excluded.fingerprint, created_at = now()
    where k.status = 0 and k.created_at < now() - $4 * interval '1 millisecond'
returning true
"""
_READ: Final = """
select fingerprint, status, body from idempotency_key where account_id = $1 and key = $2
"""
_SETTLE: Final = """
update idempotency_key set status = $3, body = $4
where account_id = $1 and key = $2 and status = 0
"""
_RELEASE: Final = """
delete from idempotency_key where account_id = $1 and key = $2 and status = 0
"""


class PostgresKeys:
    """The KeyStore of a running node."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(
        self, account_id: int, key: str, fingerprint: bytes, stale_after_ms: int
    ) -> Kept | None:
        """See KeyStore."""
        async with reading(self._pool) as connection:
            for _ in range(_ATTEMPTS_MAX):
                if await connection.fetchval(_CLAIM, account_id, key, fingerprint, stale_after_ms):
                    return None
                row = await connection.fetchrow(_READ, account_id, key)
                if row is not None:
                    return Kept(row["fingerprint"], row["status"], row["body"])
                # Released between the two statements: it may be ours now.
        return Kept(fingerprint, 0, b"")

    async def settle(self, account_id: int, key: str, answer: Kept) -> None:
        """See KeyStore."""
        async with reading(self._pool) as connection:
            await connection.execute(_SETTLE, account_id, key, answer.status, answer.body)

    async def release(self, account_id: int, key: str) -> None:
        """See KeyStore."""
        async with reading(self._pool) as connection:
            await connection.execute(_RELEASE, account_id, key)
