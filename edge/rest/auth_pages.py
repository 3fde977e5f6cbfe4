"""The pages mailed links lead to: prove an address, set a password. They need no script.

Opening a link changes nothing, since mail filters open links too: the button on its page does. The
form goes to the same address, beside the API (which takes JSON alone), and its token is the
permission: no cookie is read, so a foreign page gains nothing by sending it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from edge.endpoint import Tools
from edge.express import Serve
from edge.incoming import language_of
from edge.mails_accounts import RESET_PATH, VERIFY_PATH
from edge.pipeline import mount
from edge.reading import read_raw, validated
from edge.routing import Lane
from edge.texts import Language
from edge.wire.auth import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    ResetPasswordBody,
    TokenBody,
)
from engine.catalog.accounts import Accounts
from engine.errors import AuthInvalid, FieldError, Invalid, UnsupportedMediaType
from engine.ports.accounts import Purpose, TokenSigner

_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS_MAX: Final = 4

Submit = Callable[[Mapping[str, str], Language], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Words:
    """One page in one language; `hint` stands at the form and again when it was not heeded."""

    title: str
    button: str
    done: str
    hint: str
    spent: str


def install(app: web.Application, accounts: Accounts, signer: TokenSigner, tools: Tools) -> None:
    """Add both pages."""

    async def verify(form: Mapping[str, str], language: Language) -> None:
        body = validated(TokenBody, form, language)
        assert isinstance(body, TokenBody), "what is validated is of its model"
        await accounts.verify_email(body.token)

    async def reset(form: Mapping[str, str], language: Language) -> None:
        body = validated(ResetPasswordBody, form, language)
        assert isinstance(body, ResetPasswordBody), "what is validated is of its model"
        await accounts.reset_password(body.token, body.new_password, language)

    for page, submit in (
        (_Page(VERIFY_PATH, "verify_email", signer, tools), verify),
        (_Page(RESET_PATH, "reset_password", signer, tools), reset),
    ):
        mount(app, page.path, {"GET": page.show, "POST": page.submitting(submit)}, tools)


class _Page:
    """One link's page: the form, and what comes of it."""

    def __init__(self, path: str, purpose: Purpose, signer: TokenSigner, tools: Tools) -> None:
        self.path = path
        self._purpose: Purpose = purpose
        self._signer = signer
        self._tools = tools

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The form; whether its link was used before, only the button tells."""
        language = language_of(request.headers.get("Accept-Language"))
        words = _WORDS[self._purpose][language]
        token = request.query.get("token", "")
        try:
            self._signer.read_link(token, self._purpose)
        except AuthInvalid:
            return _page(language, words, words.spent, status=404)
        return _page(language, words, words.hint, self._form(words, token))

    def submitting(self, submit: Submit) -> Serve:
        """The handler that does what the form asks for."""

        async def serve(request: web.Request) -> web.StreamResponse:
            language = language_of(request.headers.get("Accept-Language"))
            words = _WORDS[self._purpose][language]
            form = await self._read(request)
            address = self._tools.addresses.client(request.remote, request.headers)
            self._tools.rate_limits.lane(Lane.LOGIN, address, None)
            try:
                await submit(form, language)
            except AuthInvalid:
                return _page(language, words, words.spent, status=404)
            except Invalid:
                again = self._form(words, form.get("token", ""))
                return _page(language, words, words.hint, again, status=422)
            return _page(language, words, words.done)

        return serve

    async def _read(self, request: web.Request) -> Mapping[str, str]:
        """The form's fields. Raises UnsupportedMediaType or Invalid."""
        raw = await read_raw(request, self._tools.body_limits)
        if request.content_type != _FORM or "Content-Encoding" in request.headers:
            raise UnsupportedMediaType
        try:
            fields = parse_qsl(
                raw.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_FIELDS_MAX,
            )
        except ValueError as error:
            raise Invalid(None, (FieldError("", "FORMAT"),)) from error
        return dict(fields)

    def _form(self, words: _Words, token: str) -> str:
        password = (
            f'<input type="password" name="new_password" aria-label="{words.title}" required'
            f' autocomplete="new-password" minlength="{PASSWORD_LENGTH_MIN}"'
            f' maxlength="{PASSWORD_LENGTH_MAX}">'
        )
        return (
            f'<form method="post" action="{self.path}">'
            f'<input type="hidden" name="token" value="{escape(token)}">'
            f"{password if self._purpose == 'reset_password' else ''}"
            f"<button>{words.button}</button></form>"
        )


_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{margin:15vh auto;max-width:26rem;padding:0 1.5rem;line-height:1.45;"
    'font-family:ui-rounded,system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}'
    "input,button{font:inherit;width:100%;box-sizing:border-box;padding:.8em 1em;"
    "margin-top:1rem;border-radius:.6rem;border:1px solid GrayText}"
    "button{border:0;font-weight:700;color:#fff;background:#c2330f;cursor:pointer}"
)
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


def _page(
    language: Language, words: _Words, said: str, form: str = "", *, status: int = 200
) -> web.Response:
    html = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words.title} · HotHour</title><style>{_STYLE}</style>"
        f'<main><h1>{words.title}</h1><p role="status">{said}</p>{form}</main></html>\n'
    )
    headers = {**_HEADERS, "Content-Language": language, "Vary": "Accept-Language"}
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


_SPENT_TR: Final = "Bu bağlantı kullanılmış ya da süresi geçmiş. Yenisini isteyebilirsin."
_SPENT_EN: Final = "This link was used before or has expired. You can ask for a new one."
_WORDS: Final[Mapping[Purpose, Mapping[Language, _Words]]] = {
    "verify_email": {
        "tr": _Words(
            "E-posta adresini doğrula",
            "Doğrula",
            "Adresin doğrulandı. Giriş yapabilirsin.",
            "Bu adresin senin olduğunu onaylamak için düğmeye bas.",
            _SPENT_TR,
        ),
        "en": _Words(
            "Verify your e-mail address",
            "Verify",
            "Your address is verified. You can sign in.",
            "Press the button to confirm that this address is yours.",
            _SPENT_EN,
        ),
    },
    "reset_password": {
        "tr": _Words(
            "Yeni şifre belirle",
            "Kaydet",
            "Yeni şifren kaydedildi. Onunla giriş yapabilirsin.",
            f"Şifre {PASSWORD_LENGTH_MIN} ile {PASSWORD_LENGTH_MAX} karakter arasında olmalı.",
            _SPENT_TR,
        ),
        "en": _Words(
            "Set a new password",
            "Save",
            "Your new password is saved. Sign in with it.",
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.",
            _SPENT_EN,
        ),
    },
}
