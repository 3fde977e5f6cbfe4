"""Signing in and out, on a real PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest

from engine.errors import AuthInvalid, Busy, RateLimited
from tests.accounts import HOME, PASSWORD, SETTINGS, account_world


async def test_a_guest_signs_in_by_any_spelling_of_the_address(database: str) -> None:
    async with account_world(database) as world:
        await world.guest(email="info@example.com")
        for spelling in ("INFO@Example.COM", "İNFO@example.com", " info@example.com "):
            signed_in = await world.login(spelling)
            assert signed_in.account.email == "info@example.com"
            assert signed_in.account.email_verified


async def test_every_failure_is_the_same_answer_and_the_same_work(database: str) -> None:
    async with account_world(database) as world:
        await world.guest()
        await world.register(email="off@example.com", phone="+905321110002")
        off = await world.store.by_email("off@example.com")
        assert off is not None
        await world.accounts.set_standing(
            off.account.id, role="customer", studio_id=None, usable=False
        )
        before = await world.count("outbox")
        for email, password in (
            ("ada@example.com", "wrong horse"),
            ("nobody@example.com", PASSWORD),
            ("off@example.com", PASSWORD),
            ("this is no address", PASSWORD),
            ("zero\0@example.com", PASSWORD),
        ):
            world.hasher.work = 0
            async with world.counting() as statements:
                with pytest.raises(AuthInvalid) as failure:
                    await world.login(email, password)
            assert str(failure.value) == str(AuthInvalid())
            assert (world.hasher.work, len(statements)) == (1, 1), email
        assert await world.count("outbox") == before


async def test_an_unverified_guest_may_sign_in_and_is_known_as_unverified(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        signed_in = await world.login()
        assert not signed_in.account.email_verified
        assert not world.mint.read_access(signed_in.access_token).verified


async def test_a_refreshed_token_carries_what_the_account_is_now(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        signed_in = await world.login()
        await world.accounts.verify_email(await world.newest_link("verify_email"))
        refreshed = await world.sessions.refresh(signed_in.refresh_token)
        assert world.mint.read_access(refreshed.access_token).verified


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(database: str) -> None:
    async with account_world(database) as one, account_world(database, clock=one.clock) as two:
        signed_in = await one.guest()
        pairs = await asyncio.gather(
            *(world.sessions.refresh(signed_in.refresh_token) for world in (one, two) * 4)
        )
        assert len({pair.refresh_token for pair in pairs}) == 1
        assert pairs[0].refresh_token != signed_in.refresh_token
        assert await one.pool.fetchval("select generation from session") == 1


async def test_the_old_token_is_good_for_its_grace_and_not_a_millisecond_longer(
    database: str,
) -> None:
    async with account_world(database) as world:
        first = (await world.guest()).refresh_token
        second = (await world.sessions.refresh(first)).refresh_token
        world.clock.forward(s=SETTINGS.refresh_grace_s)
        assert (await world.sessions.refresh(first)).refresh_token == second
        world.clock.forward(ms=1)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(first)


async def test_reuse_ends_the_whole_family(database: str) -> None:
    async with account_world(database) as world:
        stolen = await world.guest()
        newest = (await world.sessions.refresh(stolen.refresh_token)).refresh_token
        world.clock.forward(s=SETTINGS.refresh_grace_s + 1)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(stolen.refresh_token)
        assert world.ended == {world.mint.read_refresh(newest).session_id}
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(newest)


async def test_a_token_two_generations_old_ends_the_family_within_the_grace_too(
    database: str,
) -> None:
    async with account_world(database) as world:
        first = (await world.guest()).refresh_token
        second = (await world.sessions.refresh(first)).refresh_token
        third = (await world.sessions.refresh(second)).refresh_token
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(first)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(third)


async def test_a_session_ends_at_its_time_however_often_it_is_refreshed(database: str) -> None:
    async with account_world(database) as world:
        token = (await world.guest()).refresh_token
        world.clock.forward(s=SETTINGS.session_ttl_s - 1)
        token = (await world.sessions.refresh(token)).refresh_token
        world.clock.forward(s=1)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(token)


async def test_signing_out_ends_one_session_and_again_is_harmless(database: str) -> None:
    async with account_world(database) as world:
        phone, laptop = await world.guest(), await world.login()
        await world.sessions.logout(phone.refresh_token)
        await world.sessions.logout(phone.refresh_token)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(phone.refresh_token)
        assert await world.sessions.refresh(laptop.refresh_token)
        assert world.ended == {world.mint.read_refresh(phone.refresh_token).session_id}


async def test_signing_out_everywhere_ends_the_sessions_of_this_account_alone(
    database: str,
) -> None:
    async with account_world(database) as world:
        other = await world.guest(email="can@example.com", phone="+905321110002")
        phone, laptop = await world.guest(), await world.login()
        await world.sessions.logout_all(phone.account.id)
        for gone in (phone, laptop):
            with pytest.raises(AuthInvalid):
                await world.sessions.refresh(gone.refresh_token)
        assert await world.sessions.refresh(other.refresh_token)
        assert len(world.ended) == 2


async def test_past_the_bound_the_oldest_session_ends(database: str) -> None:
    async with account_world(
        database, settings=replace(SETTINGS, sessions_per_user_max=2)
    ) as world:
        signed_in = [await world.guest()]
        for _ in range(2):
            world.clock.forward(s=1)
            signed_in.append(await world.login())
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(signed_in[0].refresh_token)
        for kept in signed_in[1:]:
            assert await world.sessions.refresh(kept.refresh_token)
        assert world.ended == {world.mint.read_refresh(signed_in[0].refresh_token).session_id}


async def test_sessions_survive_a_restart(database: str) -> None:
    async with account_world(database) as before:
        kept, ended = await before.guest(), await before.login()
        first = kept.refresh_token
        second = (await before.sessions.refresh(first)).refresh_token
        await before.sessions.logout(ended.refresh_token)
    async with account_world(database) as after:
        assert (await after.sessions.refresh(first)).refresh_token == second
        with pytest.raises(AuthInvalid):
            await after.sessions.refresh(ended.refresh_token)
        assert await after.login()


async def test_guessing_gets_slow_and_the_owner_elsewhere_does_not_notice(database: str) -> None:
    async with account_world(database, delays=True) as world:
        await world.guest()
        for _ in range(3):
            with pytest.raises(AuthInvalid):
                await world.login(password="wrong horse")
        world.hasher.work = 0
        with pytest.raises(RateLimited) as slowed:
            await world.login()
        assert slowed.value.retry_after_ms == 1_000
        assert world.hasher.work == 0
        assert await world.login(address="198.51.100.7")
        world.clock.forward(s=1)
        assert await world.login(address=HOME)


async def test_a_log_in_nobody_had_time_for_is_no_failure(database: str) -> None:
    async with account_world(database, delays=True) as world:
        await world.guest()
        world.hasher.full = True
        for _ in range(10):
            with pytest.raises(Busy):
                await world.login()
        world.hasher.full = False
        assert await world.login()


async def test_guesses_made_at_once_are_counted_as_well(database: str) -> None:
    async with account_world(database, delays=True) as world:
        await world.guest()
        guesses = [world.login(password=f"wrong {n}") for n in range(20)]
        outcomes = await asyncio.gather(*guesses, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(AuthInvalid) == 3
        assert [type(outcome) for outcome in outcomes].count(RateLimited) == 17


async def test_a_password_that_changed_while_it_was_checked_opens_no_session(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with account_world(database) as world:
        await world.guest()
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        look = world.hasher.matches

        async def slowly(password: str, password_hash: str | None) -> bool:
            right = await look(password, password_hash)
            await world.accounts.reset_password(link, "another horse", "tr")
            return right

        with monkeypatch.context() as patch:
            patch.setattr(world.hasher, "matches", slowly)
            with pytest.raises(AuthInvalid):
                await world.login()
        assert await world.login(password="another horse")


async def test_tokens_for_load_tests_are_access_tokens_of_sessions_that_can_end(
    database: str,
) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        (token,) = await world.sessions.issue([guest.account], ttl_s=86_400)
        principal = world.mint.read_access(token)
        assert principal.user_id == guest.account.id
        await world.sessions.logout_all(guest.account.id)
        assert principal.session_id in world.ended
