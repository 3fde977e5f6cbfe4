"""/auth over HTTP, on a real PostgreSQL."""

import asyncio
from typing import Any

import pytest

from edge.wire.auth import AcceptedAnswer, SignedInAnswer, UserAnswer
from tests.accounts import PASSWORD, SETTINGS
from tests.edge.account_api import LOGIN, REGISTER, account_api

ADA = {
    "email": "ada@example.com",
    "full_name": "Ada Yılmaz",
    "phone": "+905321110001",
    "gender": "FEMALE",
    "role": "customer",
    "studio_id": None,
    "email_verified": True,
}


async def test_from_registering_to_signing_out(database: str) -> None:
    async with account_api(database) as api:
        registered = await api.post("register", REGISTER)
        assert (registered.status, registered.body) == (202, {"status": "verification_sent"})
        assert AcceptedAnswer(**registered.body)

        link = await api.world.newest_link("verify_email")
        assert (await api.post("verify-email", {"token": link})).status == 204

        login = await api.post("login", LOGIN)
        assert login.status == 200
        assert SignedInAnswer(**login.body)
        assert (login.body["token_type"], login.body["expires_in"]) == ("bearer", 900)
        assert login.headers["Cache-Control"] == "no-store"

        me = await api.get("me", token=login.body["access_token"])
        assert UserAnswer(**me.body)
        assert me.body == login.body["user"] == ADA | {"id": me.body["id"]}

        refreshed = await api.post("refresh", {"refresh_token": login.body["refresh_token"]})
        assert refreshed.status == 200
        assert SignedInAnswer(**refreshed.body).user == UserAnswer(**me.body)

        signed_out = await api.post("logout", {"refresh_token": refreshed.body["refresh_token"]})
        assert (signed_out.status, signed_out.body) == (204, "")
        for token in (login.body["access_token"], refreshed.body["access_token"]):
            refused = await api.get("me", token=token)
            assert (refused.status, refused.code) == (401, "AUTH_INVALID")


async def test_no_answer_holds_a_hash(database: str) -> None:
    async with account_api(database, verification=False) as api:
        await api.post("register", REGISTER)
        login = await api.post("login", LOGIN)
        me = await api.get("me", token=login.body["access_token"])
        for answer in (login, me):
            assert "hash" not in str(answer.body)
            assert "$2b$" not in str(answer.body)


@pytest.mark.parametrize(
    "taken", [{"phone": "+905321110002"}, {"email": "can@example.com"}], ids=["address", "phone"]
)
async def test_a_taken_address_or_phone_is_answered_like_a_free_one(
    database: str, taken: dict[str, str]
) -> None:
    async with account_api(database) as api:
        free = await api.post("register", REGISTER)
        again = await api.post("register", REGISTER | taken)
        assert (again.status, again.body) == (free.status, free.body)
        assert again.headers.keys() == free.headers.keys()


async def test_every_failed_log_in_is_the_same_answer(database: str) -> None:
    async with account_api(database, verification=False) as api:
        await api.post("register", REGISTER)
        answers = [
            await api.post("login", body)
            for body in (
                LOGIN | {"password": "wrong horse"},
                LOGIN | {"email": "nobody@example.com"},
                LOGIN | {"email": "no address at all"},
                LOGIN | {"password": ""},
                LOGIN | {"password": "x" * 1_000},
            )
        ]
        for answer in answers:
            del answer.body["request_id"]
            assert answer.status == 401
            assert answer.code == "AUTH_INVALID"
            assert answer.body == answers[0].body


async def test_any_letters_make_a_password(database: str) -> None:
    async with account_api(database, verification=False) as api:
        for number, password in enumerate(("x" * 73, "ğ" * 128, "🐎" * 8, " " * 8)):
            email = f"g{number}@example.com"
            phone = f"053211100{number:02}"
            form = REGISTER | {"email": email, "phone": phone, "password": password}
            assert (await api.post("register", form)).status == 202
            assert (await api.post("login", {"email": email, "password": password})).status == 200
            almost = await api.post("login", {"email": email, "password": password[:-1]})
            assert almost.status == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a" * 300 + "@example.com"),
        ("email", None),
        ("full_name", "  "),
        ("full_name", "Ada\nBcc: all@example.com\0"),
        ("phone", "12"),
        ("phone", 905321110001),
        ("gender", "OTHER"),
        ("password", "x" * 7),
        ("password", "x" * 129),
        ("marketing_consent", "yes"),
        ("role", "platform_admin"),
        ("email_verified", True),
    ],
)
async def test_a_form_that_is_none_names_its_field_and_does_nothing(
    database: str, field: str, value: Any
) -> None:
    async with account_api(database) as api:
        refused = await api.post("register", REGISTER | {field: value})
        assert (refused.status, refused.code) == (422, "VALIDATION")
        assert str(value) not in str(refused.body["errors"])
        if "\0" not in str(value):
            assert {error["field"] for error in refused.body["errors"]} == {field}
        assert await api.world.count("account") == 0
        assert api.world.hasher.work == 0


async def test_gender_may_be_left_open(database: str) -> None:
    async with account_api(database, verification=False) as api:
        await api.post("register", REGISTER | {"gender": None})
        assert (await api.post("login", LOGIN)).body["user"]["gender"] is None


async def test_two_tabs_refresh_and_a_thief_ends_it_for_all(database: str) -> None:
    async with account_api(database) as api:
        stolen = {"refresh_token": (await api.guest()).refresh_token}
        tabs = await asyncio.gather(api.post("refresh", stolen), api.post("refresh", stolen))
        assert [tab.status for tab in tabs] == [200, 200]
        newest = {"refresh_token": tabs[0].body["refresh_token"]}
        assert tabs[1].body["refresh_token"] == newest["refresh_token"]
        api.world.clock.forward(s=SETTINGS.refresh_grace_s + 1)
        for token in (stolen, newest):
            refused = await api.post("refresh", token)
            assert (refused.status, refused.code) == (401, "AUTH_INVALID")
        assert (await api.get("me", token=tabs[0].body["access_token"])).code == "AUTH_INVALID"


async def test_tokens_are_good_for_their_own_use_alone(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        link = await api.world.newest_link("verify_email")
        signed_in = await api.world.login()
        for token in (signed_in.refresh_token, link, "nonsense"):
            assert (await api.get("me", token=token)).code == "AUTH_INVALID"
        for token in (signed_in.access_token, link, "nonsense", ""):
            body = {"refresh_token": token}
            assert (await api.post("refresh", body)).code == "AUTH_INVALID"
            assert (await api.post("logout", body)).code == "AUTH_INVALID"
        for token in (signed_in.access_token, signed_in.refresh_token, "nonsense"):
            assert (await api.post("verify-email", {"token": token})).code == "AUTH_INVALID"
        reset = await api.post("reset-password", {"token": link, "new_password": "another horse"})
        assert reset.code == "AUTH_INVALID"


async def test_an_expired_access_token_says_so_and_no_token_is_asked_for(database: str) -> None:
    async with account_api(database) as api:
        token = (await api.guest()).access_token
        api.world.clock.forward(s=SETTINGS.access_token_ttl_s)
        expired = await api.get("me", token=token)
        assert (expired.status, expired.code) == (401, "AUTH_EXPIRED")
        missing = await api.get("me")
        assert (missing.status, missing.code) == (401, "AUTH_REQUIRED")
        assert missing.headers["WWW-Authenticate"].startswith("Bearer")


async def test_forgetting_and_resending_answer_alike_for_everybody(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        for name in ("forgot-password", "resend-verification"):
            answers = [
                await api.post(name, {"email": email})
                for email in ("ada@example.com", "nobody@example.com", "no address")
            ]
            assert {answer.status for answer in answers} == {202}
            assert answers[0].body == answers[1].body == answers[2].body


async def test_a_forgotten_password_is_set_anew(database: str) -> None:
    async with account_api(database) as api:
        before = await api.guest()
        await api.post("forgot-password", {"email": "ADA@example.com"})
        link = await api.world.newest_link("reset_password")
        body = {"token": link, "new_password": "another horse"}
        assert (await api.post("reset-password", body)).status == 204
        assert (await api.post("reset-password", body)).code == "AUTH_INVALID"
        assert (await api.get("me", token=before.access_token)).code == "AUTH_INVALID"
        assert (await api.post("login", LOGIN)).code == "AUTH_INVALID"
        assert (await api.post("login", LOGIN | {"password": "another horse"})).status == 200


async def test_a_new_password_ends_the_other_sessions(database: str) -> None:
    async with account_api(database) as api:
        here, there = await api.guest(), await api.world.login()
        body = {"current_password": PASSWORD, "new_password": "another horse"}
        wrong = body | {"current_password": "wrong horse"}
        refused = await api.post("change-password", wrong, token=here.access_token)
        assert (refused.status, refused.code) == (400, "RULE_WRONG_PASSWORD")
        assert refused.body["errors"][0]["field"] == "current_password"
        assert (await api.post("change-password", body, token=here.access_token)).status == 204
        assert (await api.get("me", token=here.access_token)).status == 200
        assert (await api.get("me", token=there.access_token)).code == "AUTH_INVALID"


async def test_signing_out_everywhere(database: str) -> None:
    async with account_api(database) as api:
        here, there = await api.guest(), await api.world.login()
        assert (await api.post("logout-all", token=here.access_token)).status == 204
        for token in (here.access_token, there.access_token):
            assert (await api.get("me", token=token)).code == "AUTH_INVALID"


async def test_guessing_is_slowed_down_with_a_time_to_come_back(database: str) -> None:
    async with account_api(database, verification=False, delays=True) as api:
        await api.post("register", REGISTER)
        for _ in range(3):
            guess = await api.post("login", LOGIN | {"password": "wrong horse"})
            assert guess.code == "AUTH_INVALID"
        slowed = await api.post("login", LOGIN)
        assert (slowed.status, slowed.code) == (429, "RATE_LIMITED")
        assert slowed.headers["Retry-After"] == "1"
        assert slowed.body["retry_after_ms"] == 1_000
        api.world.clock.forward(s=1)
        assert (await api.post("login", LOGIN)).status == 200


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("register", REGISTER),
        ("login", LOGIN),
        ("forgot-password", {"email": "ada@example.com"}),
        ("resend-verification", {"email": "ada@example.com"}),
        ("verify-email", {"token": "x"}),
        ("reset-password", {"token": "x", "new_password": "another horse"}),
    ],
)
async def test_what_can_be_guessed_or_mails_somebody_is_counted_by_address(
    database: str, name: str, body: dict[str, Any]
) -> None:
    async with account_api(database, rate_limits=True) as api:
        statuses = [
            (await api.post(name, body)).status for _ in range(SETTINGS.rate_logins_per_min + 1)
        ]
        assert statuses[-1] == 429
        assert 429 not in statuses[:-1]


async def test_messages_follow_the_asker_and_so_do_mails(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER, Accept_Language="en")
        (mail,) = await api.world.mails()
        assert mail["payload"]["language"] == "en"


async def test_a_lane_that_is_full_says_when_to_come_back(database: str) -> None:
    async with account_api(database, verification=False) as api:
        await api.post("register", REGISTER)
        api.world.hasher.full = True
        refused = await api.post("login", LOGIN)
        assert (refused.status, refused.code) == (503, "BUSY")
        assert refused.headers["Retry-After"]
        assert refused.body["retryable"] is True


async def test_without_a_database_nothing_is_done_and_said_so(database: str) -> None:
    async with account_api(database, verification=False) as api:
        signed_in = await api.guest()
        await api.world.pool.close()
        for name, body in (("login", LOGIN), ("register", REGISTER)):
            assert (await api.post(name, body)).code == "BUSY"
        assert (await api.get("me", token=signed_in.access_token)).code == "BUSY"


async def test_every_account_survives_a_restart(database: str) -> None:
    async with account_api(database) as before:
        guest = await before.guest()
    async with account_api(database) as after:
        assert (await after.get("me", token=guest.access_token)).body["id"] == guest.account.id
        refreshed = await after.post("refresh", {"refresh_token": guest.refresh_token})
        assert refreshed.status == 200
        assert (await after.post("login", LOGIN)).status == 200
