"""Tokens: what is believed and what is not."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest

from edge.tokens import ACCESS_TTL_S_MAX, TokenMint, check_key
from engine.errors import AuthExpired, AuthInvalid
from engine.ports.accounts import Account, LinkClaim, RefreshClaim, Session
from tests.accounts import KEY, NOW_MS, TurnedClock

ADA = Account(7, "ada@example.com", "Ada", None, "FEMALE", "desk", 3, True)
SESSION = Session(
    "0b4f6a3e-4a53-4b6a-9d0b-1c62f4a7f001", 7, 4, NOW_MS, NOW_MS, NOW_MS + 60_000, False
)
LINK = LinkClaim("0b4f6a3e-4a53-4b6a-9d0b-1c62f4a7f002", 7)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def mint(clock: TurnedClock) -> TokenMint:
    return TokenMint(KEY, clock)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], key: str = KEY, algorithm: str = "HS256") -> str:
    """Any claims, those that `jwt.encode` would not sign too."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm)


def readers(mint: TokenMint) -> dict[str, Callable[[str], object]]:
    return {
        "access": mint.read_access,
        "refresh": mint.read_refresh,
        "verify_email": lambda token: mint.read_link(token, "verify_email"),
        "reset_password": lambda token: mint.read_link(token, "reset_password"),
    }


def one_of_each(mint: TokenMint) -> dict[str, str]:
    return {
        "access": mint.access(ADA, SESSION.id, 900),
        "refresh": mint.refresh(SESSION),
        "verify_email": mint.link("verify_email", LINK, NOW_MS + 60_000),
        "reset_password": mint.link("reset_password", LINK, NOW_MS + 60_000),
    }


def test_an_access_token_says_who_holds_it(mint: TokenMint) -> None:
    principal = mint.read_access(mint.access(ADA, SESSION.id, 900))
    assert (principal.user_id, principal.role, principal.studio_id) == (7, "desk", 3)
    assert (principal.gender, principal.verified) == ("FEMALE", True)
    assert principal.session_id == SESSION.id
    assert principal.expires_at_ms == NOW_MS + 900_000


def test_every_kind_is_read_as_itself(mint: TokenMint) -> None:
    assert mint.read_refresh(mint.refresh(SESSION)) == RefreshClaim(SESSION.id, 4)
    assert mint.read_link(mint.link("verify_email", LINK, NOW_MS + 1_000), "verify_email") == LINK


@pytest.mark.parametrize("kind", ["access", "refresh", "verify_email", "reset_password"])
@pytest.mark.parametrize("reader", ["access", "refresh", "verify_email", "reset_password"])
def test_no_kind_passes_for_another(mint: TokenMint, kind: str, reader: str) -> None:
    token = one_of_each(mint)[kind]
    if kind == reader:
        readers(mint)[reader](token)
    else:
        with pytest.raises(AuthInvalid):
            readers(mint)[reader](token)


@pytest.mark.parametrize("kind", ["access", "refresh", "verify_email", "reset_password"])
def test_typ_and_audience_each_suffice_to_tell_kinds_apart(mint: TokenMint, kind: str) -> None:
    claims = claims_of(one_of_each(mint)[kind])
    other = "refresh" if kind == "access" else "access"
    for changed in ({"typ": other}, {"aud": f"hothour:{other}"}, {"aud": [claims["aud"]]}):
        with pytest.raises(AuthInvalid):
            readers(mint)[kind](signed(claims | changed))


@pytest.mark.parametrize("kind", ["access", "refresh", "verify_email", "reset_password"])
def test_a_token_has_one_spelling(mint: TokenMint, kind: str) -> None:
    good = one_of_each(mint)[kind]
    readers(mint)[kind](good)
    for spelling in (
        good + "=",
        good + "\n",
        f"{good[:-4]}!{good[-4:]}",
        f"{good[:-4]} {good[-4:]}",
    ):
        with pytest.raises(AuthInvalid):
            readers(mint)[kind](spelling)


@pytest.mark.parametrize("kind", ["access", "refresh", "verify_email", "reset_password"])
@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "aud", "iss", "jti", "typ"])
def test_every_claim_is_demanded(mint: TokenMint, kind: str, missing: str) -> None:
    claims = claims_of(one_of_each(mint)[kind])
    readers(mint)[kind](signed(claims))
    del claims[missing]
    with pytest.raises(AuthInvalid):
        readers(mint)[kind](signed(claims))


@pytest.mark.parametrize("missing", ["role", "studio_id", "gender", "verified", "sid"])
def test_an_access_token_has_all_its_own_claims(mint: TokenMint, missing: str) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    del claims[missing]
    with pytest.raises(AuthInvalid):
        mint.read_access(signed(claims))


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": "never"},
        {"exp": 1e400},
        {"exp": True},
        {"exp": None},
        {"sub": 7},
        {"sub": "seven"},
        {"iss": "somebody"},
        {"iss": ["hothour"]},
        {"jti": 7},
    ],
    ids=str,
)
def test_claims_of_another_form_are_not_believed(
    mint: TokenMint, changed: dict[str, object]
) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    with pytest.raises(AuthInvalid):
        mint.read_access(signed(claims | changed))


def test_verified_is_true_and_nothing_like_it(mint: TokenMint) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    assert not mint.read_access(signed(claims | {"verified": "true"})).verified


def test_a_token_without_a_signature_is_not_believed(mint: TokenMint) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    body = base64.urlsafe_b64encode(json.dumps(claims).encode())
    for token in (
        f"{head.decode().rstrip('=')}.{body.decode().rstrip('=')}.",
        signed(claims, "", "none"),
        mint.access(ADA, SESSION.id, 900).rpartition(".")[0] + ".",
    ):
        with pytest.raises(AuthInvalid):
            mint.read_access(token)


def test_another_key_or_algorithm_is_not_believed(mint: TokenMint, clock: TurnedClock) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    for token in (signed(claims, KEY[::-1]), signed(claims, KEY * 2, "HS512")):
        with pytest.raises(AuthInvalid):
            mint.read_access(token)
    with pytest.raises(AuthInvalid):
        mint.read_access(TokenMint(KEY[::-1], clock).access(ADA, SESSION.id, 900))


def test_one_changed_letter_is_noticed(mint: TokenMint) -> None:
    token = mint.access(ADA, SESSION.id, 900)
    for at in range(0, len(token), 7):
        if token[at] != ".":
            other = "A" if token[at] != "A" else "B"
            with pytest.raises(AuthInvalid):
                mint.read_access(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "token",
        "ğ.ğ.ğ",
        "\0",
        "\ud800.a.b",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.bnVsbA",
        f"{base64.urlsafe_b64encode(b'[' * 1_500).decode()}.e30.e30",
        "x" * 1_000_000,
    ],
    ids=lambda token: repr(token[:12]),
)
def test_noise_is_refused_like_any_bad_token(mint: TokenMint, token: str) -> None:
    for read in readers(mint).values():
        with pytest.raises(AuthInvalid):
            read(token)


def test_a_token_longer_than_any_of_ours_is_not_even_read(mint: TokenMint) -> None:
    claims = claims_of(mint.access(ADA, SESSION.id, 900))
    assert mint.read_access(signed(claims | {"pad": "x" * 100}))
    with pytest.raises(AuthInvalid):
        mint.read_access(signed(claims | {"pad": "x" * 2_000}))


def test_only_an_access_token_that_was_good_is_expired(mint: TokenMint, clock: TurnedClock) -> None:
    tokens = one_of_each(mint)
    forged = tokens["access"][:-2] + "xx"
    clock.forward(ms=900_000 - 1)
    assert mint.read_access(tokens["access"])
    clock.forward(ms=1)
    with pytest.raises(AuthExpired):
        mint.read_access(tokens.pop("access"))
    with pytest.raises(AuthInvalid):
        mint.read_access(forged)
    for kind, token in tokens.items():
        with pytest.raises(AuthInvalid):
            readers(mint)[kind](token)


def test_the_token_of_a_generation_is_the_same_on_every_node(
    mint: TokenMint, clock: TurnedClock
) -> None:
    token = mint.refresh(SESSION)
    clock.forward(s=5)
    assert TokenMint(KEY, clock).refresh(replace(SESSION, rotated_at_ms=NOW_MS + 1)) == token
    assert mint.refresh(replace(SESSION, generation=5)) != token


def test_two_access_tokens_have_two_ids(mint: TokenMint, clock: TurnedClock) -> None:
    first = claims_of(mint.access(ADA, SESSION.id, 900))
    clock.forward(ms=1)
    assert claims_of(mint.access(ADA, SESSION.id, 900))["jti"] != first["jti"]


@pytest.mark.parametrize("ttl_s", [0, -1, ACCESS_TTL_S_MAX + 1])
def test_an_access_token_does_not_outlive_what_is_remembered(mint: TokenMint, ttl_s: int) -> None:
    with pytest.raises(ValueError, match="lives"):
        mint.access(ADA, SESSION.id, ttl_s)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "x" * 31,
        "x" * 64,
        "changemechangemechangemechangeme",
        "Change-Me-In-Production-0123456789",
        "your-secret-key-change-in-production",
        "your-256-bit-secret-is-thirty-two-long",
        "django-insecure-8$h2k!x0q9z7w5v3t1r6",
        "SUPER SECRET key of a tutorial, 2024",
    ],
)
def test_a_key_others_may_know_is_refused(clock: TurnedClock, key: str) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        TokenMint(key, clock)


@pytest.mark.parametrize("key", [KEY, "0123456789abcdef" * 4, "test-key-that-only-this-box-knows"])
def test_a_key_of_ones_own_is_taken(key: str) -> None:
    check_key(key)


def test_the_header_names_the_key_and_does_not_tell_it(mint: TokenMint) -> None:
    header = jwt.get_unverified_header(mint.refresh(SESSION))
    assert header == {"alg": "HS256", "typ": "JWT", "kid": header["kid"]}
    assert header["kid"] not in KEY
