"""Who is asking: tokens remembered, sessions that end, here and on other nodes."""

import asyncio
from dataclasses import replace

import pytest

from edge.auth import KEPT_MS, REMEMBERED_MS, Authenticator
from engine.errors import AuthExpired, AuthInvalid, Busy
from tests.accounts import SETTINGS, World, account_world

WITHIN_S = 1.0
"""Every node knows of an ended session by then."""


def authenticator(world: World) -> Authenticator:
    made = Authenticator(world.mint, world.store, world.clock, world.settings)
    world.on_ended = made.revoke
    return made


def header(token: str) -> str:
    return f"Bearer {token}"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
async def test_a_token_says_who_asks(database: str, scheme: str) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        principal = authenticator(world).principal(scheme + guest.access_token)
        assert principal.user_id == guest.account.id
        assert principal.verified


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer  x y", "token"])
async def test_a_header_that_is_none_is_refused(database: str, text: str) -> None:
    async with account_world(database) as world:
        with pytest.raises(AuthInvalid):
            authenticator(world).principal(text)


async def test_a_refresh_token_and_a_mailed_link_are_no_access_tokens(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        link = await world.newest_link("verify_email")
        signed_in = await world.login()
        asked = authenticator(world)
        for token in (signed_in.refresh_token, link):
            with pytest.raises(AuthInvalid):
                asked.bearer(token)


async def test_a_believed_token_is_not_verified_again_and_still_expires(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with account_world(database) as world:
        token = (await world.guest()).access_token
        asked = authenticator(world)
        first = asked.bearer(token)
        with monkeypatch.context() as patch:
            patch.delattr(type(world.mint), "read_access")
            assert asked.bearer(token) is first
        world.clock.forward(s=SETTINGS.access_token_ttl_s)
        for _ in range(2):
            with pytest.raises(AuthExpired):
                asked.bearer(token)


async def test_the_oldest_believed_tokens_are_forgotten_past_the_bound(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with account_world(database, settings=replace(SETTINGS, token_cache_max=2)) as world:
        await world.register()
        tokens = [(await world.login()).access_token for _ in range(3)]
        asked = authenticator(world)
        for token in tokens:
            asked.bearer(token)
        monkeypatch.delattr(type(world.mint), "read_access")
        for token in tokens[1:]:
            asked.bearer(token)
        with pytest.raises(AttributeError):
            asked.bearer(tokens[0])


async def test_signing_out_is_felt_at_once_by_believed_tokens_too(database: str) -> None:
    async with account_world(database) as world:
        gone, kept = await world.guest(), await world.login()
        asked = authenticator(world)
        asked.bearer(gone.access_token)
        await world.sessions.logout(gone.refresh_token)
        for _ in range(2):
            with pytest.raises(AuthInvalid):
                asked.bearer(gone.access_token)
        assert asked.bearer(kept.access_token)


async def test_every_session_that_ends_is_told_once(database: str) -> None:
    async with account_world(database) as world:
        first, second = await world.guest(), await world.login()
        asked = authenticator(world)
        told: list[frozenset[str]] = []
        asked.on_revoked(told.append)
        await world.sessions.logout(first.refresh_token)
        await world.sessions.logout_all(second.account.id)
        await asked.start()
        await asked.stop()
        ids = [world.mint.read_refresh(each.refresh_token).session_id for each in (first, second)]
        assert told == [frozenset({ids[0]}), frozenset({ids[1]})]


async def test_another_node_refuses_an_ended_session_within_a_second(database: str) -> None:
    async with account_world(database) as here, account_world(database, clock=here.clock) as there:
        guest = await here.guest()
        asked = authenticator(there)
        heard: asyncio.Future[frozenset[str]] = asyncio.get_running_loop().create_future()
        await asked.start()
        asked.on_revoked(heard.set_result)
        asked.bearer(guest.access_token)
        here.clock.forward(s=60)
        await here.sessions.logout(guest.refresh_token)
        async with asyncio.timeout(WITHIN_S):
            assert await heard == {here.mint.read_refresh(guest.refresh_token).session_id}
        with pytest.raises(AuthInvalid):
            asked.bearer(guest.access_token)
        await asked.stop()


async def test_a_new_process_knows_what_ended_before_it(database: str) -> None:
    async with account_world(database) as before:
        guest = await before.guest()
        await before.sessions.logout(guest.refresh_token)
    async with account_world(database) as after:
        asked = authenticator(after)
        assert asked.bearer(guest.access_token)  # nobody has told it yet
        await asked.start()
        with pytest.raises(AuthInvalid):
            asked.bearer(guest.access_token)
        await asked.stop()


async def test_an_ended_session_stays_ended_for_as_long_as_a_token_may_live(database: str) -> None:
    async with account_world(database) as world:
        guest = await world.guest()
        (long_lived,) = await world.sessions.issue([guest.account], REMEMBERED_MS // 1_000)
        asked = authenticator(world)
        await world.sessions.logout_all(guest.account.id)
        world.clock.forward(ms=REMEMBERED_MS - 1)
        await asked.start()
        await asked.stop()
        with pytest.raises(AuthInvalid):
            asked.bearer(long_lived)
        world.clock.forward(ms=60_000)
        await asked.start()
        await asked.stop()
        assert asked._ended == {}


async def test_what_was_missed_while_the_database_was_away_is_heard_of_later(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with account_world(database) as here, account_world(database, clock=here.clock) as there:
        guest = await here.guest()
        asked = authenticator(there)
        await asked.start()
        failed, heard = asyncio.Event(), asyncio.Event()
        asked.on_revoked(lambda _: heard.set())

        async def away(_: int) -> list[tuple[str, int]]:
            failed.set()
            raise Busy

        with monkeypatch.context() as patch:
            patch.setattr(there.store, "ended_since", away)
            await here.sessions.logout(guest.refresh_token)
            here.clock.forward(s=600)
            await failed.wait()
            assert asked.bearer(guest.access_token)
        async with asyncio.timeout(WITHIN_S):
            await heard.wait()
        await asked.stop()


async def test_what_is_long_over_is_swept_and_what_is_not_stays(database: str) -> None:
    async with account_world(database) as world:
        gone, kept = await world.guest(), await world.login()
        await world.sessions.logout(gone.refresh_token)
        asked = authenticator(world)
        for forward_s, sessions, links in (
            (0, 2, 1),
            (KEPT_MS // 1_000 + 1, 1, 1),
            (172_800, 1, 0),
        ):
            world.clock.forward(s=forward_s)
            await asked.start()
            await asked.stop()
            assert await world.count("session") == sessions
            assert await world.count("account_token") == links
        assert await world.sessions.refresh(kept.refresh_token)


async def test_a_round_of_sweeping_is_bounded(database: str) -> None:
    async with account_world(database, settings=replace(SETTINGS, sweep_batch_max=2)) as world:
        guest = await world.guest()
        await world.sessions.issue([guest.account] * 4, ttl_s=1)
        world.clock.forward(s=KEPT_MS // 1_000 + 2)
        asked = authenticator(world)
        await asked.start()
        await asked.stop()
        assert await world.count("session") == 5 - 2


async def test_without_a_database_it_does_not_start(database: str) -> None:
    async with account_world(database) as world:
        await world.pool.close()
        asked = authenticator(world)
        with pytest.raises(Busy):
            await asked.start()
        await asked.stop()
