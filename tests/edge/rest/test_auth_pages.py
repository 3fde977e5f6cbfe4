"""The pages that mailed links lead to, used as a browser without scripts uses them."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from edge.mails_accounts import RESET_PATH, VERIFY_PATH, AccountLinks, render
from tests.accounts import PASSWORD, SETTINGS
from tests.edge.account_api import REGISTER, Api, account_api

ORIGIN = "https://shop.example"


class Form(HTMLParser):
    """The one form of a page: where it goes and what is in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            assert given["method"] == "post"
            self.action = given["action"]
        if tag == "input" and given["name"]:
            self.fields[given["name"]] = given.get("value") or ""


@dataclass(slots=True)
class Page:
    """A page as it came."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def form(self) -> Form:
        return Form(self.text)


async def ask(api: Api, method: str, path: str, **options: Any) -> Page:
    async with api.client.request(method, path, **options) as response:
        return Page(response.status, await response.text(), dict(response.headers))


async def mailed_link(api: Api) -> str:
    """The path of the link in the newest mail that goes out."""
    mail = [mail for mail in await api.world.mails() if mail["done_at"] is None][-1]
    links = AccountLinks(ORIGIN, api.world.mint, SETTINGS)
    _, text, _ = render(mail["topic"], mail["payload"], links)
    (link,) = re.findall(rf"{ORIGIN}(\S+)", text)
    return str(link)


async def press(api: Api, form: Form, **typed: str) -> Page:
    assert form.action is not None
    return await ask(api, "POST", form.action, data=form.fields | typed)


async def test_the_mailed_link_and_its_button_verify_an_address(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        link = await mailed_link(api)
        assert link.startswith(f"{VERIFY_PATH}?token=")
        page = await ask(api, "GET", link)
        assert page.status == 200
        done = await press(api, page.form)
        assert done.status == 200
        assert "doğrulandı" in done.text
        assert (await api.world.login()).account.email_verified


async def test_opening_a_link_changes_nothing(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        link = await mailed_link(api)
        for method in ("GET", "HEAD", "GET"):
            assert (await ask(api, method, link)).status == 200
        assert not (await api.world.login()).account.email_verified


async def test_the_mailed_link_and_its_form_set_a_password(database: str) -> None:
    async with account_api(database) as api:
        await api.guest()
        await api.post("forgot-password", {"email": "ada@example.com"})
        link = await mailed_link(api)
        assert link.startswith(f"{RESET_PATH}?token=")
        page = await ask(api, "GET", link)
        done = await press(api, page.form, new_password="yeni şifrem & öteki=1")
        assert done.status == 200
        assert await api.world.login(password="yeni şifrem & öteki=1")


async def test_a_password_that_is_none_brings_the_form_back(database: str) -> None:
    async with account_api(database) as api:
        await api.guest()
        await api.post("forgot-password", {"email": "ada@example.com"})
        page = await ask(api, "GET", await mailed_link(api))
        again = await press(api, page.form, new_password="short")
        assert again.status == 422
        assert "short" not in again.text
        assert await api.world.login(password=PASSWORD)
        assert (await press(api, again.form, new_password="long enough")).status == 200
        assert await api.world.login(password="long enough")


async def test_a_link_that_was_used_or_is_none_says_so(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        link = await mailed_link(api)
        form = (await ask(api, "GET", link)).form
        await press(api, form)
        assert (await press(api, form)).status == 404
        for wrong in (f"{link}x", VERIFY_PATH, f"{VERIFY_PATH}?token=", link.replace("v", "r", 1)):
            page = await ask(api, "GET", wrong)
            assert page.status == 404
            assert "<form" not in page.text
        api.world.clock.forward(s=SETTINGS.verify_ttl_s)
        assert (await ask(api, "GET", link)).status == 404


async def test_a_link_for_one_page_is_no_good_on_the_other(database: str) -> None:
    async with account_api(database) as api:
        await api.post("register", REGISTER)
        link = (await mailed_link(api)).replace(VERIFY_PATH, RESET_PATH)
        assert (await ask(api, "GET", link)).status == 404


async def test_what_a_link_holds_is_never_markup(database: str) -> None:
    async with account_api(database) as api:
        body = {"token": '"><script>alert(1)</script>', "new_password": "x"}
        for page in (
            await ask(api, "POST", RESET_PATH, data=body),
            await ask(api, "GET", RESET_PATH, params=body),
        ):
            assert "<script" not in page.text
        assert (
            unescape((await ask(api, "POST", RESET_PATH, data=body)).form.fields["token"])
            == (body["token"])
        )


async def test_a_page_runs_nothing_goes_nowhere_and_is_kept_by_nobody(database: str) -> None:
    async with account_api(database) as api:
        headers = (await ask(api, "GET", VERIFY_PATH)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("language", "word"), [("en", "Verify your"), ("tr", "adresini doğrula")])
async def test_pages_speak_the_askers_language(database: str, language: str, word: str) -> None:
    async with account_api(database) as api:
        page = await ask(api, "GET", VERIFY_PATH, headers={"Accept-Language": language})
        assert word in page.text
        assert f'<html lang="{language}">' in page.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"token": "x"}}, 415),
        ({"data": b"token", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"data": {str(n): "x" for n in range(9)}}, 422),
        ({"data": {"token": "x", "role": "platform_admin"}}, 422),
        (
            {
                "data": b"\xff=\xff",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
            422,
        ),
        ({"data": b"a=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"data": {"token": "x" * 70_000}}, 413),
    ],
    ids=["json", "no form", "many fields", "foreign field", "no ASCII", "no UTF-8", "too large"],
)
async def test_what_is_no_form_of_ours_is_refused(
    database: str, sent: dict[str, Any], status: int
) -> None:
    async with account_api(database) as api:
        assert (await ask(api, "POST", VERIFY_PATH, **sent)).status == status


async def test_forms_are_counted_like_log_ins(database: str) -> None:
    async with account_api(database, rate_limits=True) as api:
        pages = [
            await ask(api, "POST", VERIFY_PATH, data={"token": "x"})
            for _ in range(SETTINGS.rate_logins_per_min + 1)
        ]
        assert [page.status for page in pages[:-1]] == [404] * SETTINGS.rate_logins_per_min
        assert pages[-1].status == 429
