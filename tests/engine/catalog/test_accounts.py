"""Making accounts, proving addresses and changing passwords, on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from engine.errors import AuthInvalid, Busy, RateLimited, RuleBroken
from engine.ports.accounts import LinkClaim
from tests.accounts import HOME, NOW_MS, PASSWORD, SETTINGS, World, account_world

OTHER = "+905321110002"


def topics(mails: Sequence[asyncpg.Record]) -> list[str]:
    return [mail["topic"] for mail in mails]


# --- registering ---------------------------------------------------------------------------------


async def test_whoever_registers_is_mailed_a_link_that_proves_the_address(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        (mail,) = await world.mails()
        assert mail["topic"] == "mail.verify_email"
        assert mail["done_at"] is None
        await world.accounts.verify_email(await world.newest_link("verify_email"))
        assert (await world.login()).account.email_verified


async def test_a_mail_holds_neither_an_address_nor_a_token(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        (mail,) = await world.mails()
        assert set(mail["payload"]) == {"account_id", "jti", "language", "expires_at_ms"}
        assert mail["payload"]["expires_at_ms"] == NOW_MS + SETTINGS.verify_ttl_s * 1_000
        assert mail["user_id"] == mail["payload"]["account_id"]


@pytest.mark.parametrize(
    "again",
    [{"phone": OTHER}, {"email": "can@example.com"}, {}],
    ids=["address taken", "phone taken", "both taken"],
)
async def test_a_second_registration_is_the_same_work_and_changes_nothing(
    database: str, again: dict[str, str]
) -> None:
    async with account_world(database) as world:
        async with world.counting() as statements:
            await world.register()
            first = (world.hasher.work, len(statements), await world.count("outbox"))
        guest = await world.login()
        await world.accounts.verify_email(await world.newest_link("verify_email"))
        before = await world.store.by_id(guest.account.id)
        world.hasher.work = 0
        async with world.counting() as statements:
            await world.register(password="stranger's horse", full_name="Stranger", **again)
            second = (world.hasher.work, len(statements), await world.count("outbox") - 1)
        assert first == second
        assert await world.store.by_id(guest.account.id) == before
        assert await world.count("account") == 1
        told = (await world.mails())[-1]
        assert (told["topic"], told["user_id"]) == ("mail.already_registered", guest.account.id)
        assert told["done_at"] is None


async def test_the_link_in_that_mail_sets_a_new_password(database: str) -> None:
    async with account_world(database) as world:
        await world.guest()
        await world.register(phone=OTHER)
        link = await world.newest_link("reset_password")
        await world.accounts.reset_password(link, "another horse", "tr")
        assert await world.login(password="another horse")


async def test_of_many_who_register_one_address_at_once_one_has_it(database: str) -> None:
    async with account_world(database) as one, account_world(database) as two:
        await asyncio.gather(
            *(
                (one, two)[n % 2].register(phone=f"+9053211100{n:02}", password=f"horse no {n}")
                for n in range(12)
            )
        )
        assert await one.count("account") == 1
        sent = sorted(topics(await one.mails()))
        assert sent == ["mail.already_registered"] * 11 + ["mail.verify_email"]


async def test_of_many_who_register_one_phone_at_once_one_has_it(database: str) -> None:
    async with account_world(database) as one, account_world(database) as two:
        await asyncio.gather(
            *((one, two)[n % 2].register(email=f"g{n}@example.com") for n in range(12))
        )
        assert await one.count("account") == 1
        (owner,) = await one.pool.fetch("select id from account")
        assert {mail["user_id"] for mail in await one.mails()} == {owner["id"]}


async def test_a_squatter_whose_links_have_expired_makes_way(database: str) -> None:
    async with account_world(database) as world:
        await world.register(password="squatter's horse")
        squatter = await world.login(password="squatter's horse")
        world.clock.forward(s=SETTINGS.verify_ttl_s)
        await world.register()
        assert topics(await world.mails())[-1] == "mail.verify_email"
        assert world.ended == {world.mint.read_refresh(squatter.refresh_token).session_id}
        with pytest.raises(AuthInvalid):
            await world.login(password="squatter's horse")
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(squatter.refresh_token)
        assert (await world.login()).account.id != squatter.account.id


async def test_two_squatters_make_way_at_once(database: str) -> None:
    async with account_world(database) as world:
        await world.register(phone=OTHER)
        await world.register(email="can@example.com")
        world.clock.forward(s=SETTINGS.verify_ttl_s)
        await world.register()
        assert await world.count("account") == 1


@pytest.mark.parametrize("waits", ["for its link", "verified", "staff"])
async def test_nobody_else_makes_way(database: str, waits: str) -> None:
    async with account_world(database) as world:
        await world.register()
        if waits == "verified":
            await world.accounts.verify_email(await world.newest_link("verify_email"))
        if waits == "staff":
            await world.pool.execute("update account set role = 'platform_admin'")
        world.clock.forward(s=SETTINGS.verify_ttl_s - (1 if waits == "for its link" else 0))
        await world.register(password="stranger's horse")
        assert await world.login(password=PASSWORD)


async def test_without_verification_an_account_is_verified_at_once_and_nobody_is_mailed(
    database: str,
) -> None:
    async with account_world(database, verification=False) as world:
        await world.register()
        assert (await world.login()).account.email_verified
        (mail,) = await world.mails()
        assert mail["done_at"] is not None


async def test_consent_is_kept_with_its_instant(database: str) -> None:
    async with account_world(database) as world:
        await world.register(marketing_consent=True)
        await world.register(email="can@example.com", phone=OTHER)
        rows = await world.pool.fetch("select marketing_consent_at from account order by id")
        assert [row["marketing_consent_at"] for row in rows] == [NOW_MS, None]


# --- mailed links --------------------------------------------------------------------------------


async def test_a_link_is_good_once(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        link = await world.newest_link("verify_email")
        await world.accounts.verify_email(link)
        with pytest.raises(AuthInvalid):
            await world.accounts.verify_email(link)


async def test_a_link_used_twice_at_once_is_good_once(database: str) -> None:
    async with account_world(database) as world:
        await world.guest()
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        outcomes = await asyncio.gather(
            *(world.accounts.reset_password(link, f"horse no {n}", "tr") for n in range(6)),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == (
            ["AuthInvalid"] * 5 + ["NoneType"]
        )


async def test_a_link_expires(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        link = await world.newest_link("verify_email")
        world.clock.forward(s=SETTINGS.verify_ttl_s)
        with pytest.raises(AuthInvalid):
            await world.accounts.verify_email(link)


async def test_the_database_judges_a_link_even_if_its_token_is_good_for_longer(
    database: str,
) -> None:
    async with account_world(database) as world:
        await world.register()
        (mail,) = await world.mails()
        claim = LinkClaim(mail["payload"]["jti"], mail["user_id"])
        world.clock.forward(s=SETTINGS.verify_ttl_s)
        token = world.mint.link("verify_email", claim, world.clock.now_ms() + 1_000)
        with pytest.raises(AuthInvalid):
            await world.accounts.verify_email(token)


async def test_a_link_for_one_purpose_is_no_good_for_another(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        (mail,) = await world.mails()
        claim = LinkClaim(mail["payload"]["jti"], mail["user_id"])
        forged = world.mint.link("reset_password", claim, world.clock.now_ms() + 1_000)
        with pytest.raises(AuthInvalid):
            await world.accounts.reset_password(forged, "another horse", "tr")
        with pytest.raises(AuthInvalid):
            await world.accounts.reset_password(
                await world.newest_link("verify_email"), "another horse", "tr"
            )
        assert await world.login()


async def test_asking_again_mails_another_link_and_both_are_good(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        first = await world.newest_link("verify_email")
        await world.accounts.resend_verification("ADA@example.com", "en")
        second = await world.newest_link("verify_email")
        assert first != second
        assert (await world.mails())[-1]["payload"]["language"] == "en"
        await world.accounts.verify_email(first)


@pytest.mark.parametrize("email", ["nobody@example.com", "no address", "can@example.com"])
async def test_asking_for_mail_in_vain_is_the_same_work_and_reaches_nobody(
    database: str, email: str
) -> None:
    """can@ is verified, so there is nothing to verify, and disabled, so nothing to reset."""
    async with account_world(database) as world:
        can = await world.guest(email="can@example.com", phone=OTHER)
        await world.accounts.set_standing(
            can.account.id, role="customer", studio_id=None, usable=False
        )
        await world.register()
        for ask in (world.accounts.resend_verification, world.accounts.forgot_password):
            work: list[tuple[int, int]] = []
            for wanted in ("ada@example.com", email):
                rows = await world.count("outbox")
                async with world.counting() as statements:
                    await ask(wanted, "tr")
                work.append((len(statements), await world.count("outbox") - rows))
            assert work == [(1, 1), (1, 1)]
            mail = (await world.mails())[-1]
            assert mail["user_id"] is None
            assert mail["done_at"] is not None


# --- passwords -----------------------------------------------------------------------------------


async def test_a_reset_ends_every_session_and_every_other_link_and_says_so(database: str) -> None:
    async with account_world(database) as world:
        phone, laptop = await world.guest(), await world.login()
        await world.accounts.forgot_password("ada@example.com", "tr")
        other = await world.newest_link("reset_password")
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        await world.accounts.reset_password(link, "another horse", "en")
        assert len(world.ended) == 2
        for gone in (phone, laptop):
            with pytest.raises(AuthInvalid):
                await world.sessions.refresh(gone.refresh_token)
        with pytest.raises(AuthInvalid):
            await world.accounts.reset_password(other, "third horse", "tr")
        with pytest.raises(AuthInvalid):
            await world.login()
        assert await world.login(password="another horse")
        told = (await world.mails())[-1]
        assert told["topic"] == "mail.password_changed"
        assert told["payload"] == {"account_id": phone.account.id, "language": "en"}


async def test_a_reset_proves_the_address_and_throws_a_squatter_out(database: str) -> None:
    async with account_world(database) as world:
        await world.register(password="squatter's horse")
        squatter = await world.login(password="squatter's horse")
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        await world.accounts.reset_password(link, PASSWORD, "tr")
        assert (await world.login()).account.email_verified
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(squatter.refresh_token)


async def change(world: World, token: str, current: str, new: str) -> None:
    here = world.mint.read_access(token)
    await world.accounts.change_password(
        here.user_id, here.session_id, current, new, address=HOME, language="tr"
    )


async def test_a_new_password_ends_all_other_sessions(database: str) -> None:
    async with account_world(database) as world:
        here, there = await world.guest(), await world.login()
        await world.accounts.forgot_password("ada@example.com", "tr")
        link = await world.newest_link("reset_password")
        await change(world, here.access_token, PASSWORD, "another horse")
        assert world.ended == {world.mint.read_refresh(there.refresh_token).session_id}
        assert await world.sessions.refresh(here.refresh_token)
        with pytest.raises(AuthInvalid):
            await world.sessions.refresh(there.refresh_token)
        with pytest.raises(AuthInvalid):
            await world.accounts.reset_password(link, "third horse", "tr")
        assert await world.login(password="another horse")
        assert topics(await world.mails())[-1] == "mail.password_changed"


async def test_a_new_password_leaves_the_link_that_verifies(database: str) -> None:
    async with account_world(database) as world:
        await world.register()
        link = await world.newest_link("verify_email")
        await change(world, (await world.login()).access_token, PASSWORD, "another horse")
        await world.accounts.verify_email(link)


async def test_the_wrong_password_changes_nothing_and_guesses_get_slow(database: str) -> None:
    async with account_world(database, delays=True) as world:
        here = await world.guest()
        for _ in range(3):
            with pytest.raises(RuleBroken) as refused:
                await change(world, here.access_token, "wrong horse", "another horse")
            (error,) = refused.value.errors
            assert (error.field, error.code) == ("current_password", "RULE_WRONG_PASSWORD")
        with pytest.raises(RateLimited):
            await change(world, here.access_token, PASSWORD, "another horse")
        world.clock.forward(s=SETTINGS.login_delay_s_max)
        assert await world.login()


async def test_a_password_nobody_had_time_to_look_at_was_no_guess(database: str) -> None:
    async with account_world(database, delays=True) as world:
        here = await world.guest()
        world.hasher.full = True
        for _ in range(10):
            with pytest.raises(Busy):
                await change(world, here.access_token, PASSWORD, "another horse")
        world.hasher.full = False
        await change(world, here.access_token, PASSWORD, "another horse")


async def test_two_changes_at_once_end_in_one_of_the_two(database: str) -> None:
    async with account_world(database) as world:
        here = await world.guest()
        outcomes = await asyncio.gather(
            *(change(world, here.access_token, PASSWORD, f"horse no {n}") for n in range(2)),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {type(None), RuleBroken}
        assert await world.login(password=f"horse no {outcomes.index(None)}")
