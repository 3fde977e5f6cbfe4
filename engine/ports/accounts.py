"""Accounts and their sessions: where they are kept, how passwords are hashed, tokens signed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Purpose = Literal["verify_email", "reset_password"]
"""What a mailed link is good for."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person, without anything secret."""

    id: int
    email: str
    full_name: str
    phone: str | None
    gender: str | None
    role: str
    """customer, desk, studio_admin or platform_admin."""
    studio_id: int | None
    email_verified: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what it takes to sign in."""

    account: Account
    password_hash: str | None
    """None: nobody can sign in with a password."""
    usable: bool
    """False for an account that is disabled or erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be made; everything is in its stored spelling."""

    email: str
    full_name: str
    phone: str | None = None
    gender: str | None = None
    role: str = "customer"
    studio_id: int | None = None
    password_hash: str | None = None
    verified_at_ms: int | None = None
    marketing_consent_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One login: the family of its refresh tokens, of which only the newest is good."""

    id: str
    account_id: int
    generation: int
    rotated_at_ms: int
    created_at_ms: int
    expires_at_ms: int
    ended: bool


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """What a refresh token says."""

    session_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What the token in a mailed link says."""

    jti: str
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTerms:
    """What a request for a mailed link decides about it."""

    now_ms: int
    language: str
    """ "tr" or "en"."""
    verify_until_ms: int
    reset_until_ms: int


class AccountStore(Protocol):
    """Accounts, sessions and mailed links.

    What sends a mail writes its outbox row in the same transaction; the row names the account and
    the link (`jti`), never an address or a token. Methods that end sessions return their ids.
    All raise Busy when the database is away and nothing was done, and those that write
    UnknownOutcome when it went away in between.
    """

    async def register(self, person: NewAccount, terms: MailTerms) -> Sequence[str]:
        """Make the account, or tell whoever has the address or phone that somebody tried.

        The same statements and one mail, whichever it is; an existing account is not touched.
        Unverified accounts in the way, whose links have all expired, go first: returns the ids of
        their sessions.
        """

    async def create(self, people: Sequence[NewAccount]) -> Sequence[int]:
        """Make accounts, all or none, ids in order. Invalid: a taken address or phone, or no such
        studio."""

    async def by_email(self, email: str) -> Credentials | None: ...

    async def by_id(self, account_id: int) -> Credentials | None: ...

    async def send_verification(self, email: str, terms: MailTerms) -> None:
        """Mail a link to an unverified account; for any other address write as much, and mail
        nobody."""

    async def send_reset(self, email: str, terms: MailTerms) -> None:
        """Mail a link to a usable account; for any other address write as much, and mail nobody."""

    async def verify_email(self, link: LinkClaim, now_ms: int) -> bool:
        """Use a link; False if it is spent, expired or not for this."""

    async def reset_password(
        self, link: LinkClaim, password_hash: str, now_ms: int, language: str
    ) -> Sequence[str] | None:
        """Use a link: a new password, a verified address, no session left, nor another such link.

        None if the link is spent, expired or not for this.
        """

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
        """End all sessions but one and all links to reset it; None if `old_hash` is not the
        password any more."""

    async def set_standing(
        self, account_id: int, *, role: str, studio_id: int | None, usable: bool, now_ms: int
    ) -> Sequence[str] | None:
        """Change what an account may do and end all its sessions; None: no such account."""

    async def open_session(
        self,
        account_id: int,
        password_hash: str,
        *,
        now_ms: int,
        expires_at_ms: int,
        sessions_max: int,
    ) -> tuple[Session, Sequence[str]] | None:
        """A new session, and the ids of the oldest that it pushed out past `sessions_max`.

        None if the account is not usable, or `password_hash` is not its password any more: it may
        have changed while it was checked.
        """

    async def open_sessions(
        self, account_ids: Sequence[int], *, now_ms: int, expires_at_ms: int
    ) -> Sequence[str]:
        """A session for each account (named once), ids in order; nothing is checked or pushed
        out."""

    async def advance(
        self, session_id: str, generation: int, now_ms: int
    ) -> tuple[Session, Account] | None:
        """Rotate: `generation` + 1, if that is the newest and all is well with both; else None."""

    async def session(self, session_id: str) -> tuple[Session, Account] | None:
        """A session as it stands, with its account; None if the account is not usable."""

    async def end_session(self, session_id: str, now_ms: int) -> Sequence[str]: ...

    async def end_sessions(self, account_id: int, now_ms: int) -> Sequence[str]: ...

    async def ended_since(self, since_ms: int) -> Sequence[tuple[str, int]]:
        """Sessions ended after `since_ms`: (id, instant), oldest first."""

    async def sweep(self, before_ms: int, limit: int) -> None:
        """Forget links and sessions that were over before an instant, `limit` of each at most."""


class PasswordHasher(Protocol):
    """Slow hashes, off the event loop. Busy when too many wait."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. None takes the same work and is never it."""


class TokenSigner(Protocol):
    """Tokens, each kind good for its own use alone. Readers raise AuthInvalid."""

    def access(self, account: Account, session_id: str, ttl_s: int) -> str: ...

    def refresh(self, session: Session) -> str:
        """The token of the session's generation: the same whenever it is asked for."""

    def read_refresh(self, token: str) -> RefreshClaim: ...

    def read_link(self, token: str, purpose: Purpose) -> LinkClaim: ...


class SessionsEnded(Protocol):
    """Who wants to know at once that sessions have ended."""

    def __call__(self, session_ids: Collection[str], /) -> None: ...
