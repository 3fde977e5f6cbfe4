"""Gives the committed answer of an Idempotency-Key again, instead of doing the same thing twice.

For routes that change the catalog. Bookings are not remembered here: their key is on the
reservation. A refusal is not kept, it is decided anew. An answer that was committed and could not
be kept is still given: what is lost then is only the protection of a retry. If nobody knows whether
it was committed the claim stays for its time, and a retry hears BUSY instead of doing it twice.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from structlog.typing import FilteringBoundLogger

from edge.routing import Call, Reply
from engine.errors import Busy, KeyReused, Unable, UnknownOutcome
from engine.ports.keys import Kept, KeyStore

CLAIM_TTL_MS: Final = 60_000
"""Longer than any request may take: a claim of that age belongs to a process that is gone."""
BUSY_RETRY_MS: Final = 1_000


def fingerprint(method: str, path: str, query: str, raw: bytes) -> bytes:
    """What makes two requests the same: 32 bytes. Spaces and order in a JSON body do not count."""
    body = orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS) if raw else b""
    digest = hashlib.sha256()
    for part in (method.encode(), path.rstrip("/").encode(), query.encode(), body):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


class Remembering:
    """Carries requests out at most once a key."""

    def __init__(self, keys: KeyStore, log: FilteringBoundLogger) -> None:
        self._keys = keys
        self._log = log

    async def once(
        self, call: Call, print_: bytes, handler: Callable[[Call], Awaitable[Reply]]
    ) -> Reply:
        """The handler's reply, or the one it gave before.

        Raises KeyReused, Busy while the same request is under way, and what the handler raises.
        """
        account_id, key = call.user.user_id, call.key
        assert key is not None, "there is nothing to remember it by"
        kept = await self._keys.claim(account_id, key, print_, CLAIM_TTL_MS)
        if kept is not None:
            return _again(kept, print_)
        try:
            reply = await handler(call)
            committed = 200 <= reply.status < 300
        except UnknownOutcome:
            raise  # it may have been done: the claim stands, so a retry does not do it again
        except BaseException:
            await self._forget(account_id, key)
            raise
        if not committed:
            await self._forget(account_id, key)
            return reply
        await self._settle(account_id, key, Kept(print_, reply.status, _bytes(reply.body)))
        return reply

    async def _settle(self, account_id: int, key: str, answer: Kept) -> None:
        try:
            await self._keys.settle(account_id, key, answer)
        except Unable as error:
            self._log.warning("an answer could not be kept for its key", reason=error.code)

    async def _forget(self, account_id: int, key: str) -> None:
        try:
            await self._keys.release(account_id, key)
        except Unable as error:
            self._log.warning("a key could not be released", reason=error.code)


def _again(kept: Kept, print_: bytes) -> Reply:
    if kept.fingerprint != print_:
        raise KeyReused
    if not kept.settled:
        raise Busy("The same request is under way.", retry_after_ms=BUSY_RETRY_MS)
    return Reply(kept.status, kept.body or None, {"Idempotency-Replayed": "true"})


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else orjson.dumps(body)
