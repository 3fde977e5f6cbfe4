"""Tokens as a forger would make them: who knows the key, who does not, and what each says wrong."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

KEY: Final = "k3y-of-the-hostile-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABC"
FOREIGN_KEY: Final = "an0ther-key-of-somebody-else-0123456789-xyz"
REQUIRED: Final = ("exp", "iat", "sub", "aud", "iss", "jti", "typ")
OWN: Final = ("role", "studio_id", "gender", "verified", "sid")
"""What an access token says besides."""
OF_ACCESS: Final = frozenset(
    (
        *(f"no {name}" for name in OWN if name != "sid"),
        "the refresh audience",
        "kind refresh",
        # A refresh token names its session, and the session its account.
        "a subject that is none",
        "a subject in SQL",
    )
)
"""Forgeries that do a refresh token no harm."""
INVALID, EXPIRED, FINE = "AUTH_INVALID", "AUTH_EXPIRED", ""

Claims = dict[str, Any]


def claims_of(token: str) -> Claims:
    """What a token says."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


@dataclass(frozen=True, slots=True)
class Forgery:
    """One token: how it comes from a good one, and what it is answered with."""

    name: str
    expected: str
    make: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Signed:
    """A token with other claims, signed."""

    change: Callable[[Claims], Mapping[str, Any]]
    key: str | bytes = KEY
    algorithm: str = "HS256"
    headers: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, good: str) -> str:
        claims = dict(self.change(claims_of(good)))
        return jwt.encode(claims, self.key, self.algorithm, dict(self.headers))


def _with(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **changes}


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {each: value for each, value in claims.items() if each != name}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(algorithm: str) -> Callable[[str], str]:
    return lambda good: f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{good.split('.')[1]}."


def _relabelled(algorithm: str) -> Callable[[str], str]:
    """The signature of a good one under another algorithm's name."""

    def make(good: str) -> str:
        _, claims, signature = good.split(".")
        return f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{claims}.{signature}"

    return make


def _raised(good: str) -> str:
    """Another role under the old signature."""
    head, _, signature = good.split(".")
    return f"{head}.{_part({**claims_of(good), 'role': 'platform_admin'})}.{signature}"


def _deep(good: str) -> str:
    nested = "[" * 600 + "]" * 600
    claims = base64.urlsafe_b64encode(nested.encode()).rstrip(b"=").decode()
    head, _, signature = good.split(".")
    return f"{head}.{claims}.{signature}"


def _now() -> int:
    return int(time.time())


def forgeries() -> list[Forgery]:
    """All of them, each made from a good access token."""
    same = _with()
    mine = {"jwk": {"kty": "oct", "k": _part("x")}, "jku": "http://127.0.0.1/keys"}
    table: dict[str, Callable[[str], str]] = {
        **{f"algorithm {name}": _unsigned(name) for name in ("none", "None", "NONE", "nOnE", "")},
        **{f"labelled {name}": _relabelled(name) for name in ("HS384", "RS256", "ES256", "none")},
        "signed by HS384": _Signed(same, algorithm="HS384"),
        "signed by HS512": _Signed(same, algorithm="HS512"),
        "a foreign key": _Signed(same, FOREIGN_KEY),
        "a foreign key and where to find it": _Signed(same, FOREIGN_KEY, headers=mine),
        "a foreign key by a path": _Signed(same, FOREIGN_KEY, headers={"kid": "../../dev/null"}),
        "another role, the old signature": _raised,
        "a critical header nobody knows": _Signed(same, headers={"crit": ["b64"], "b64": False}),
        **{f"no {name}": _Signed(_without(name)) for name in (*REQUIRED, *OWN)},
        "another issuer": _Signed(_with(iss="somebody")),
        "the refresh audience": _Signed(_with(aud="hothour:refresh")),
        "two audiences": _Signed(_with(aud=["hothour:access", "hothour:refresh"])),
        "kind refresh": _Signed(_with(typ="refresh")),
        "kind verify_email": _Signed(_with(typ="verify_email", aud="hothour:verify_email")),
        "kind Access": _Signed(_with(typ="Access")),
        "no kind that is text": _Signed(_with(typ=["access"])),
        "a subject that is none": _Signed(_with(sub="one")),
        "a subject in SQL": _Signed(_with(sub="1 or 1=1")),
        "an end in text": _Signed(_with(exp=str(_now() + 900))),
        "an end that is a fraction": _Signed(_with(exp=_now() + 900.5)),
        "an end that is true": _Signed(_with(exp=True)),
        "an end that is null": _Signed(_with(exp=None)),
        "not valid yet": _Signed(_with(nbf=_now() + 600)),
        "of 20,000 bytes": _Signed(_with(more="x" * 20_000)),
        "of 2,049 bytes": lambda good: good + "A" * (2_049 - len(good)),
        "claims 600 deep": _deep,
        "two parts": lambda good: good.rpartition(".")[0],
        "four parts": lambda good: good + ".x",
        "no signature": lambda good: good.rpartition(".")[0] + ".",
        "a letter less": lambda good: good[:-1],
        "a letter more": lambda good: good + "A",
        "padded": lambda good: good + "=",
        "with a letter no decoder minds": lambda good: f"{good[:-4]}!{good[-4:]}",
        "twice": lambda good: f"{good},{good}",
    }
    rows = [Forgery(name, INVALID, make) for name, make in table.items()]
    return [
        *rows,
        Forgery("expired a second ago", EXPIRED, _Signed(_with(exp=_now() - 1))),
        Forgery("expired in 1970", EXPIRED, _Signed(_with(exp=0))),
        # Only we can sign it, and two nodes' clocks are never the same.
        Forgery("issued in an hour", FINE, _Signed(_with(iat=_now() + 3_600))),
        Forgery("the same again", FINE, _Signed(same)),
    ]
