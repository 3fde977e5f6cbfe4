"""Signed tokens: what each kind says, and what it takes to believe one.

One key, HS256. Each kind has a `typ` and an audience of its own, so that none passes for another,
and all claims are demanded: PyJWT alone would accept a token that never expires. Instants are
compared by our clock. Must never say why a token is not believed, but for an access token that was
good once: AuthExpired tells its client to refresh.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID

import jwt

from edge.routing import Principal
from engine.errors import AuthExpired, AuthInvalid
from engine.ports.accounts import Account, LinkClaim, Purpose, RefreshClaim, Session
from engine.ports.clock import Clock

T = TypeVar("T")

KEY_BYTES_MIN: Final = 32
KEY_LETTERS_MIN: Final = 8
"""Different ones; below it a key is a repeated text."""
TOKEN_LENGTH_MAX: Final = 2_048
ACCESS_TTL_S_MAX: Final = 86_400
"""No access token lives longer, so no ended session has to be remembered longer."""
ISSUER: Final = "hothour"
ALGORITHM: Final = "HS256"

_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""Python's decoder would pass over padding and foreign letters: one token, many spellings."""
_CLAIMS: Final = ["exp", "iat", "sub", "aud", "iss", "jti", "typ"]
_PLACEHOLDERS: Final = (
    "changeit",
    "changeme",
    "changethis",
    "changein",
    "djangoinsecure",
    "examplesecret",
    "mysecretkey",
    "notasecret",
    "replaceme",
    "replacethis",
    "secretkeyhere",
    "supersecret",
    "topsecret",
    "your256bit",
    "yourjwtsecret",
    "yoursecret",
)
"""Words of keys that stand in examples and tutorials, without what stands between the letters."""


def check_key(key: str) -> None:
    """Refuse a key that somebody else could know. Raises ValueError with half a sentence."""
    if len(key.encode()) < KEY_BYTES_MIN:
        raise ValueError(f"is too short: {KEY_BYTES_MIN} bytes at least")
    words = re.sub("[^a-z0-9]", "", key.lower())
    if len(set(key)) < KEY_LETTERS_MIN or any(known in words for known in _PLACEHOLDERS):
        raise ValueError("is a well-known or repeated text: make a random one")


class TokenMint:
    """Signs tokens and reads them back; the TokenSigner port."""

    def __init__(self, key: str, clock: Clock) -> None:
        """Raises ValueError for a key that is no secret."""
        check_key(key)
        self._key = key.encode()
        self._clock = clock
        # Which key signed it, should there ever be a second one; says nothing about the key.
        self._headers = {"kid": sha256(b"kid:" + self._key).hexdigest()[:16]}

    # --- access ----------------------------------------------------------------------------------

    def access(self, account: Account, session_id: str, ttl_s: int) -> str:
        """What its holder may do for `ttl_s` seconds, without a look at the database."""
        if not 0 < ttl_s <= ACCESS_TTL_S_MAX:
            raise ValueError(f"an access token lives 1 to {ACCESS_TTL_S_MAX} s")
        now_ms = self._clock.now_ms()
        return self._sign(
            "access",
            account.id,
            f"{session_id}.{now_ms}",
            now_ms,
            now_ms + ttl_s * 1_000,
            role=account.role,
            studio_id=account.studio_id,
            gender=account.gender,
            verified=account.email_verified,
            sid=session_id,
        )

    def read_access(self, token: str) -> Principal:
        """Who holds it. Raises AuthInvalid, or AuthExpired for one that was good."""
        principal = self._read(token, "access", _principal)
        if principal.expires_at_ms <= self._clock.now_ms():
            raise AuthExpired
        return principal

    # --- refresh ---------------------------------------------------------------------------------

    def refresh(self, session: Session) -> str:
        """The token of the session's generation. Nothing but the session and the key goes into it:
        who asks again, here or on another node, gets the same."""
        return self._sign(
            "refresh",
            session.account_id,
            f"{session.id}.{session.generation}",
            session.created_at_ms,
            session.expires_at_ms,
            sid=session.id,
            gen=session.generation,
        )

    def read_refresh(self, token: str) -> RefreshClaim:
        """Which session and generation. Raises AuthInvalid."""
        return self._read_live(token, "refresh", _refresh_claim)

    # --- mailed links ----------------------------------------------------------------------------

    def link(self, purpose: Purpose, claim: LinkClaim, expires_at_ms: int) -> str:
        """The token of a mailed link. The database says whether it is spent."""
        issued_at_ms = min(self._clock.now_ms(), expires_at_ms)
        return self._sign(purpose, claim.account_id, claim.jti, issued_at_ms, expires_at_ms)

    def read_link(self, token: str, purpose: Purpose) -> LinkClaim:
        """Whose link. Raises AuthInvalid."""
        return self._read_live(token, purpose, _link_claim)

    # --- all kinds -------------------------------------------------------------------------------

    def _sign(
        self, typ: str, account_id: int, jti: str, iat_ms: int, exp_ms: int, **more: Any
    ) -> str:
        claims = {
            "iss": ISSUER,
            "aud": _audience(typ),
            "typ": typ,
            "sub": str(account_id),
            "jti": jti,
            "iat": iat_ms // 1_000,
            "exp": exp_ms // 1_000,
            **more,
        }
        return jwt.encode(claims, self._key, ALGORITHM, self._headers)

    def _read_live(self, token: str, typ: str, read: Callable[[Mapping[str, Any]], T]) -> T:
        claim, expires_at_s = self._read(token, typ, lambda claims: (read(claims), claims["exp"]))
        if expires_at_s * 1_000 <= self._clock.now_ms():
            raise AuthInvalid
        return claim

    def _read(self, token: str, typ: str, read: Callable[[Mapping[str, Any]], T]) -> T:
        """Check everything but the time. Raises AuthInvalid."""
        if len(token) > TOKEN_LENGTH_MAX or not _FORM.fullmatch(token):
            raise AuthInvalid
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=_audience(typ),
                issuer=ISSUER,
                options={
                    "require": _CLAIMS,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            if claims["typ"] != typ or type(claims["exp"]) is not int:
                raise AuthInvalid
            return read(claims)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError):
            # `from None`: a traceback would hold the token.
            raise AuthInvalid from None


def _audience(typ: str) -> str:
    return f"{ISSUER}:{typ}"


def _principal(claims: Mapping[str, Any]) -> Principal:
    return Principal(
        user_id=int(claims["sub"]),
        role=claims["role"],
        studio_id=claims["studio_id"],
        gender=claims["gender"],
        verified=claims["verified"] is True,
        session_id=claims["sid"],
        expires_at_ms=claims["exp"] * 1_000,
    )


def _refresh_claim(claims: Mapping[str, Any]) -> RefreshClaim:
    return RefreshClaim(str(UUID(claims["sid"])), int(claims["gen"]))


def _link_claim(claims: Mapping[str, Any]) -> LinkClaim:
    return LinkClaim(str(UUID(claims["jti"])), int(claims["sub"]))
