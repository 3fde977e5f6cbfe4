"""Who is asking: access tokens believed once and remembered, sessions that have ended forgotten.

Verifying a signature costs more than answering a loser, so believed tokens are kept until they
expire. A session that ends is told to this process at once, and to every other by the database,
which is asked each half second; from then on its tokens are refused, remembered or not. What has
been over for days is forgotten there as well. Must never ask the database on the way of a request,
and never let a token outlive its `exp`.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import structlog

from edge.routing import Principal
from edge.tokens import ACCESS_TTL_S_MAX, TokenMint
from engine.errors import AuthExpired, AuthInvalid
from engine.ports.accounts import AccountStore
from engine.ports.clock import Clock
from engine.settings import Settings

REMEMBERED_MS: Final = ACCESS_TTL_S_MAX * 1_000
"""An ended session is remembered until its last access token has expired."""
OVERLAP_MS: Final = 30_000
"""An ended session may be seen this long after its instant: that was taken before the commit, by
another node's clock."""
KEPT_MS: Final = 2 * REMEMBERED_MS
"""So long after its end a session stays in the database: a node that was cut off for a day still
hears of it."""

RevokedCallback = Callable[[frozenset[str]], None]

_log = structlog.get_logger("hothour.auth")


class Authenticator:
    """Reads access tokens. `start` before the first request, `stop` after the last."""

    def __init__(
        self, mint: TokenMint, store: AccountStore, clock: Clock, settings: Settings
    ) -> None:
        self._mint = mint
        self._store = store
        self._clock = clock
        self._poll_s = settings.revocation_poll_ms / 1_000
        self._believed_max = max(1, settings.token_cache_max)
        self._believed: dict[str, Principal] = {}
        self._ended: dict[str, int] = {}
        """Session id -> when we heard that it ended, oldest first."""
        self._callbacks: list[RevokedCallback] = []
        self._asked_at_ms = 0
        self._sweep_every_ms = settings.sweep_every_ms
        self._sweep_batch_max = settings.sweep_batch_max
        self._swept_at_ms = 0
        self._polling: asyncio.Task[None] | None = None

    def principal(self, authorization: str) -> Principal:
        """Who sends this `Authorization` header. Raises AuthInvalid or AuthExpired."""
        if authorization.startswith("Bearer ey"):  # nearly always, and nothing to strip
            return self.bearer(authorization[7:])
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthInvalid
        return self.bearer(token.strip())

    def bearer(self, token: str) -> Principal:
        """Who holds this access token. Raises AuthInvalid or AuthExpired."""
        principal = self._believed.get(token)
        if principal is None:
            principal = self._mint.read_access(token)
            self._remember(token, principal)
        elif principal.expires_at_ms <= self._clock.now_ms():
            del self._believed[token]
            raise AuthExpired
        if principal.session_id in self._ended:
            raise AuthInvalid
        return principal

    def on_revoked(self, callback: RevokedCallback) -> None:
        """Tell `callback` of sessions that end, each once, on the loop; it must not raise."""
        self._callbacks.append(callback)

    def revoke(self, session_ids: Collection[str]) -> None:
        """These sessions have ended (the SessionsEnded port): refuse them from this moment on."""
        new = frozenset(session_ids) - self._ended.keys()
        if not new:
            return
        self._ended.update(dict.fromkeys(new, self._clock.now_ms()))
        for callback in self._callbacks:
            callback(new)

    async def start(self) -> None:
        """Learn what has ended lately, then keep asking. Raises Busy if the database is away."""
        await self._poll()
        self._polling = asyncio.create_task(self._keep_polling(), name="ended-sessions")

    async def stop(self) -> None:
        """Stop asking."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling
            self._polling = None

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self._poll()
            except Exception as error:
                # Tokens still expire; what was missed meanwhile is read when there is an answer.
                _log.warning("ended sessions not read", error=type(error).__name__)

    async def _poll(self) -> None:
        now_ms = self._clock.now_ms()
        since_ms = self._asked_at_ms - OVERLAP_MS if self._asked_at_ms else now_ms - REMEMBERED_MS
        self.revoke([session_id for session_id, _ in await self._store.ended_since(since_ms)])
        self._asked_at_ms = now_ms
        self._forget(now_ms - REMEMBERED_MS - OVERLAP_MS)
        if now_ms - self._swept_at_ms >= self._sweep_every_ms:
            await self._store.sweep(now_ms - KEPT_MS, self._sweep_batch_max)
            self._swept_at_ms = now_ms

    def _forget(self, before_ms: int) -> None:
        while self._ended:
            oldest = next(iter(self._ended))
            if self._ended[oldest] >= before_ms:
                return
            del self._ended[oldest]

    def _remember(self, token: str, principal: Principal) -> None:
        if len(self._believed) >= self._believed_max:
            del self._believed[next(iter(self._believed))]
        self._believed[token] = principal
