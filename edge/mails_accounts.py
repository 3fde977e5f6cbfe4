"""The mails about accounts: their words, and the links in them.

Tokens are made here, when a mail is rendered, from the ids its outbox row holds: no token ever lies
in the database. The name somebody registered under is not repeated, or strangers could have us send
their words to any address. Must never hold a decision about an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from edge.letters import linked
from edge.texts import Language
from edge.tokens import TokenMint
from engine.ports.accounts import LinkClaim, Purpose
from engine.settings import Settings

VERIFY_PATH: Final = "/auth/verify-email"
RESET_PATH: Final = "/auth/reset-password"
"""Pages that work without a script; beside the API, not of it."""

Topic = Literal[
    "mail.verify_email", "mail.reset_password", "mail.already_registered", "mail.password_changed"
]
_PURPOSE: Final[Mapping[str, Purpose]] = {
    "mail.verify_email": "verify_email",
    "mail.reset_password": "reset_password",
    "mail.already_registered": "reset_password",
}
_PATH: Final[Mapping[Purpose, str]] = {"verify_email": VERIFY_PATH, "reset_password": RESET_PATH}


class AccountLinks:
    """Makes the addresses that mails lead to."""

    def __init__(self, public_url: str, mint: TokenMint, settings: Settings) -> None:
        """`public_url`: how guests reach this server, as in "https://shop.example"."""
        self.home = public_url.rstrip("/")
        self._mint = mint
        self._ttl_s: Mapping[Purpose, int] = {
            "verify_email": settings.verify_ttl_s,
            "reset_password": settings.reset_ttl_s,
        }

    def url(self, purpose: Purpose, payload: Mapping[str, Any]) -> str:
        """The link of an outbox row's `payload`."""
        claim = LinkClaim(payload["jti"], payload["account_id"])
        token = self._mint.link(purpose, claim, payload["expires_at_ms"])
        return f"{self.home}{_PATH[purpose]}?token={quote(token)}"

    def hours(self, purpose: Purpose) -> int:
        """How long such a link is good, in whole hours, at least one."""
        return max(1, self._ttl_s[purpose] // 3_600)


@dataclass(frozen=True, slots=True)
class _Words:
    """One mail in one language. Paragraphs may hold {link}, {hours} and {home}."""

    subject: str
    paragraphs: tuple[str, ...]


def render(topic: str, payload: Mapping[str, Any], links: AccountLinks) -> tuple[str, str, str]:
    """Subject, text and HTML of the mail an outbox row calls for. KeyError: not one of ours."""
    language: Language = "en" if payload["language"] == "en" else "tr"
    words = _MAILS[topic][language]
    values: dict[str, object] = {"home": links.home}
    if topic in _PURPOSE:
        purpose = _PURPOSE[topic]
        values |= {"link": links.url(purpose, payload), "hours": links.hours(purpose)}
    paragraphs = [paragraph.format(**values) for paragraph in words.paragraphs]
    return words.subject, "\n\n".join([*paragraphs, "HotHour"]) + "\n", _html(language, paragraphs)


def _html(language: Language, paragraphs: list[str]) -> str:
    body = "".join(f"<p>{linked(paragraph)}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">{body}<p>HotHour</p></html>'
    )


_MAILS: Final[Mapping[str, Mapping[Language, _Words]]] = {
    "mail.verify_email": {
        "tr": _Words(
            "E-posta adresini doğrula",
            (
                "Merhaba,",
                "HotHour hesabının açılması için bu adresin senin olduğunu doğrula:",
                "{link}",
                "Bağlantı {hours} saat geçerli ve bir kez kullanılabilir.",
                "Hesabı sen açmadıysan bağlantıyı açma: doğrulanmayan hesap kullanılamaz.",
            ),
        ),
        "en": _Words(
            "Verify your e-mail address",
            (
                "Hello,",
                "To open your HotHour account, confirm that this address is yours:",
                "{link}",
                "The link is good for {hours} hours, once.",
                "If you did not ask for an account, leave it: without this it cannot be used.",
            ),
        ),
    },
    "mail.reset_password": {
        "tr": _Words(
            "Yeni şifre belirle",
            (
                "Merhaba,",
                "HotHour hesabın için yeni bir şifreyi buradan belirleyebilirsin:",
                "{link}",
                "Bağlantı {hours} saat geçerli ve bir kez kullanılabilir.",
                "Bunu sen istemediysen yapman gereken bir şey yok: şifren değişmedi.",
            ),
        ),
        "en": _Words(
            "Set a new password",
            (
                "Hello,",
                "Set a new password for your HotHour account here:",
                "{link}",
                "The link is good for {hours} h, once.",
                "If you did not ask for this, do nothing: your password is unchanged.",
            ),
        ),
    },
    "mail.already_registered": {
        "tr": _Words(
            "Zaten bir hesabın var",
            (
                "Merhaba,",
                "Bu e-posta adresiyle ya da senin telefon numaranla HotHour'a yeniden kaydolmak"
                " isteyen biri oldu. Hesabın zaten var; onda hiçbir şey değişmedi.",
                "Bu sendiysen ve şifreni unuttuysan yeni bir şifreyi buradan belirleyebilirsin:",
                "{link}",
                "Bağlantı {hours} saat geçerli ve bir kez kullanılabilir.",
                "Sen değildiysen yapman gereken bir şey yok.",
            ),
        ),
        "en": _Words(
            "You already have an account",
            (
                "Hello,",
                "Somebody tried to register at HotHour with this e-mail address or with your phone"
                " number. You already have an account, and nothing about it was changed.",
                "If that was you and you forgot your password, set a new one here:",
                "{link}",
                "The link is good for {hours} h, once.",
                "If it was not you, do nothing.",
            ),
        ),
    },
    "mail.password_changed": {
        "tr": _Words(
            "Şifren değişti",
            (
                "Merhaba,",
                "HotHour hesabının şifresi değişti; diğer cihazlardaki oturumlar kapatıldı.",
                "Bunu sen yapmadıysan hemen şifremi unuttum diyerek yeni bir şifre belirle:",
                "{home}",
            ),
        ),
        "en": _Words(
            "Your password was changed",
            (
                "Hello,",
                "The password of your HotHour account was changed; sessions on other devices have"
                " ended.",
                "If that was not you, say that you forgot your password and set a new one at once:",
                "{home}",
            ),
        ),
    },
}
