"""Signed in once, and for as long as it takes."""

import asyncio
from pathlib import Path

import pytest

from edge.demo.account import Account
from edge.demo.api import Refusal
from edge.demo.people import GUESTS
from tests.edge.demo.shop import Shop, demo_shop, mono_ms

EMAIL = GUESTS[0].email


async def me(account: Account) -> str:
    found: str = (await account.ask("GET", "/auth/me"))["email"]
    return found


async def test_a_token_is_kept_while_it_is_good(shop: Shop) -> None:
    account = shop.account(EMAIL)
    await account.sign_in()
    assert await account.token() == await account.token()
    assert await me(account) == EMAIL


async def test_many_questions_at_once_are_one_sign_in(shop: Shop) -> None:
    account = shop.account(EMAIL)
    tokens = await asyncio.gather(*(account.token() for _ in range(5)))
    assert len(set(tokens)) == 1


async def test_a_token_is_renewed_before_it_runs_out(shop: Shop) -> None:
    now_ms = mono_ms()
    account = Account(shop.api, EMAIL, lambda: now_ms)
    first = await account.token()
    now_ms += (shop.config.engine.access_token_ttl_s - 61) * 1_000
    assert await account.token() == first
    now_ms += 2_000
    assert await account.token() != first
    assert await me(account) == EMAIL


async def test_a_token_that_was_refused_is_renewed_at_once(database: str, tmp_path: Path) -> None:
    async with demo_shop(database, tmp_path, access_token_ttl_s=1) as shop:
        account = Account(shop.api, EMAIL, lambda: 0.0)  # its own clock says it is still good
        await account.sign_in()
        await asyncio.sleep(1.1)
        assert await me(account) == EMAIL


async def test_a_session_that_was_ended_begins_anew(shop: Shop) -> None:
    account = shop.account(EMAIL)
    await account.ask("POST", "/auth/logout-all")
    assert await me(account) == EMAIL


async def test_who_is_not_known_is_refused(shop: Shop) -> None:
    with pytest.raises(Refusal, match="AUTH_INVALID"):
        await shop.account("nobody@example.com").sign_in()
