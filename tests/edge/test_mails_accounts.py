"""The words of account mails, and the links in them."""

import re
from typing import Any

import pytest

from edge.mails_accounts import AccountLinks, render
from edge.tokens import TokenMint
from engine.errors import AuthInvalid
from engine.ports.accounts import LinkClaim, Purpose
from tests.accounts import KEY, NOW_MS, SETTINGS, TurnedClock

JTI = "0b4f6a3e-4a53-4b6a-9d0b-1c62f4a7f002"
LINKED: dict[str, Purpose] = {
    "mail.verify_email": "verify_email",
    "mail.reset_password": "reset_password",
    "mail.already_registered": "reset_password",
}
TOPICS = [*LINKED, "mail.password_changed"]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def mint(clock: TurnedClock) -> TokenMint:
    return TokenMint(KEY, clock)


@pytest.fixture
def links(mint: TokenMint) -> AccountLinks:
    return AccountLinks("https://shop.example/", mint, SETTINGS)


def payload(language: str = "tr") -> dict[str, Any]:
    return {
        "account_id": 7,
        "jti": JTI,
        "language": language,
        "expires_at_ms": NOW_MS + 3_600_000,
    }


def token_in(text: str) -> str:
    (token,) = re.findall(r"https://shop\.example/auth/[a-z-]+\?token=(\S+)", text)
    return str(token)


@pytest.mark.parametrize("topic", LINKED)
def test_the_link_is_good_for_its_purpose_and_account(
    topic: str, links: AccountLinks, mint: TokenMint
) -> None:
    _, text, html = render(topic, payload(), links)
    assert mint.read_link(token_in(text), LINKED[topic]) == LinkClaim(JTI, 7)
    assert html.count(token_in(text)) == 2  # to press, and to copy


def test_a_mail_that_goes_out_late_or_twice_holds_the_same_end(
    links: AccountLinks, mint: TokenMint, clock: TurnedClock
) -> None:
    clock.forward(s=3_599)
    token = token_in(render("mail.verify_email", payload(), links)[1])
    assert mint.read_link(token, "verify_email")
    clock.forward(s=1)
    with pytest.raises(AuthInvalid):
        mint.read_link(token, "verify_email")


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", ["tr", "en"])
def test_every_mail_has_its_words_in_both_languages(
    topic: str, language: str, links: AccountLinks
) -> None:
    subject, text, html = render(topic, payload(language), links)
    assert subject
    assert "\n" not in subject
    assert "{" not in text + html
    assert "https://shop.example" in text
    assert f'lang="{language}"' in html
    other = render(topic, payload("en" if language == "tr" else "tr"), links)
    assert other[0] != subject


def test_how_long_a_link_is_good_is_said(links: AccountLinks) -> None:
    assert "48 saat" in render("mail.verify_email", payload(), links)[1]
    assert "1 saat" in render("mail.reset_password", payload(), links)[1]


def test_a_foreign_topic_is_not_ours(links: AccountLinks) -> None:
    with pytest.raises(KeyError):
        render("mail.booking_confirmed", payload(), links)
