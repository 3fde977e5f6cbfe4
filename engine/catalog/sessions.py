"""Signing in and out, and keeping a session going by rotating refresh tokens.

A session is a family of refresh tokens, numbered by generation. The newest is good once; the one
before it gives the same successor for a short grace, since two tabs refresh at once and answers get
lost; any other was stolen or copied, and the whole family ends. Must never tell one failed log-in
from another, in words or in work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.catalog.login_delays import LoginDelays
from engine.domain.contact import fold_any_email
from engine.errors import AuthInvalid, HotHourError
from engine.ports.accounts import (
    Account,
    AccountStore,
    Credentials,
    PasswordHasher,
    Session,
    SessionsEnded,
    TokenSigner,
)
from engine.ports.clock import Clock
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client needs to act as somebody."""

    account: Account
    access_token: str
    refresh_token: str
    expires_in_s: int
    """Of the access token."""


class Sessions:
    """The use cases around a session."""

    def __init__(
        self,
        store: AccountStore,
        hasher: PasswordHasher,
        tokens: TokenSigner,
        delays: LoginDelays,
        clock: Clock,
        settings: Settings,
        *,
        ended: SessionsEnded,
    ) -> None:
        """`ended` hears of sessions that this ends."""
        self._store = store
        self._hasher = hasher
        self._tokens = tokens
        self._delays = delays
        self._clock = clock
        self._settings = settings
        self._ended = ended

    async def login(self, email: str, password: str, address: str) -> SignedIn:
        """Open a session. Raises AuthInvalid for every failure alike, RateLimited after some from
        this client's network, Busy."""
        email = fold_any_email(email)
        self._delays.admit(email, address)
        try:
            known = await self._store.by_email(email)
            right = await self._hasher.matches(password, _hash_of(known))
        except HotHourError:
            self._delays.withdraw(email, address)
            raise
        if known is None or known.password_hash is None or not right:
            raise AuthInvalid
        self._delays.succeeded(email, address)
        now_ms = self._clock.now_ms()
        opened = await self._store.open_session(
            known.account.id,
            known.password_hash,
            now_ms=now_ms,
            expires_at_ms=now_ms + self._settings.session_ttl_s * 1_000,
            sessions_max=self._settings.sessions_per_user_max,
        )
        if opened is None:
            raise AuthInvalid  # the password was changed while it was checked
        session, pushed_out = opened
        self._ended(pushed_out)
        return self._signed_in(session, known.account)

    async def refresh(self, token: str) -> SignedIn:
        """The next pair of tokens, with the account's claims as they are now. Raises AuthInvalid,
        and ends the session if the token was used before."""
        claim = self._tokens.read_refresh(token)
        now_ms = self._clock.now_ms()
        found = await self._store.advance(claim.session_id, claim.generation, now_ms)
        if found is None:
            found = await self._store.session(claim.session_id)
            if found is None or found[0].ended or found[0].expires_at_ms <= now_ms:
                raise AuthInvalid
            if not self._in_grace(found[0], claim.generation, now_ms):
                self._ended(await self._store.end_session(claim.session_id, now_ms))
                raise AuthInvalid
        return self._signed_in(*found)

    async def logout(self, token: str) -> None:
        """End a session by any of its refresh tokens; again is harmless. Raises AuthInvalid."""
        claim = self._tokens.read_refresh(token)
        self._ended(await self._store.end_session(claim.session_id, self._clock.now_ms()))

    async def logout_all(self, account_id: int) -> None:
        """End all sessions of an account, the caller's too."""
        self._ended(await self._store.end_sessions(account_id, self._clock.now_ms()))

    async def issue(self, accounts: Sequence[Account], ttl_s: int) -> list[str]:
        """An access token for each, of a session that is over with it: for load tests, which
        cannot wait for thousands of log-ins."""
        now_ms = self._clock.now_ms()
        ids = await self._store.open_sessions(
            [account.id for account in accounts],
            now_ms=now_ms,
            expires_at_ms=now_ms + ttl_s * 1_000,
        )
        return [
            self._tokens.access(account, session_id, ttl_s)
            for account, session_id in zip(accounts, ids, strict=True)
        ]

    def _in_grace(self, session: Session, generation: int, now_ms: int) -> bool:
        since_ms = now_ms - session.rotated_at_ms
        return (
            generation == session.generation - 1
            and since_ms <= self._settings.refresh_grace_s * 1_000
        )

    def _signed_in(self, session: Session, account: Account) -> SignedIn:
        ttl_s = self._settings.access_token_ttl_s
        return SignedIn(
            account,
            self._tokens.access(account, session.id, ttl_s),
            self._tokens.refresh(session),
            ttl_s,
        )


def _hash_of(known: Credentials | None) -> str | None:
    """None, for which the hasher works as hard, if there is nobody to sign in."""
    return known.password_hash if known is not None and known.usable else None
