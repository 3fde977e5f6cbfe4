"""Accounts: making them, proving their address, changing their password.

What is answered, and the work done for it, never tells whether an address or a phone is known: a
password is hashed whether or not the hash is kept, and whoever is concerned hears of it by mail.
Signing in and out stands in sessions.py. Must never see a token, a hash or an address in a log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.catalog.login_delays import LoginDelays
from engine.domain.contact import clean_name, fold_any_email, fold_email, parse_phone
from engine.errors import AuthInvalid, FieldError, HotHourError, Invalid, NotFound, RuleBroken
from engine.ports.accounts import (
    Account,
    AccountStore,
    Credentials,
    MailTerms,
    NewAccount,
    PasswordHasher,
    SessionsEnded,
    TokenSigner,
)
from engine.ports.clock import Clock
from engine.settings import Settings

RULE_WRONG_PASSWORD: Final = "RULE_WRONG_PASSWORD"
STUDIO_ROLES: Final = frozenset({"desk", "studio_admin"})
CREATE_BATCH: Final = 2_000
"""Accounts made in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a new customer says. Email, phone and name in their stored spelling (contact.py)."""

    email: str
    full_name: str
    phone: str
    gender: str | None
    password: str
    marketing_consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account an operator asks for; every spelling is accepted."""

    email: str
    full_name: str
    role: str = "customer"
    studio_id: int | None = None
    phone: str | None = None
    gender: str | None = None


class Accounts:
    """The use cases around an account. `verification` off: addresses count as proved at once."""

    def __init__(
        self,
        store: AccountStore,
        hasher: PasswordHasher,
        tokens: TokenSigner,
        delays: LoginDelays,
        clock: Clock,
        settings: Settings,
        *,
        verification: bool,
        ended: SessionsEnded,
        mailed: Callable[[], None],
    ) -> None:
        """`ended` hears of sessions that this ends; `mailed` wakes whoever carries mail."""
        self._store = store
        self._hasher = hasher
        self._tokens = tokens
        self._delays = delays
        self._clock = clock
        self._settings = settings
        self._verification = verification
        self._ended = ended
        self._mailed = mailed

    async def register(self, form: Registration, language: str) -> None:
        """Make an account, or tell the owner of the address or phone. Raises Busy."""
        password_hash = await self._hasher.hash(form.password)
        terms = self._mail_terms(language)
        person = NewAccount(
            email=form.email,
            full_name=form.full_name,
            phone=form.phone,
            gender=form.gender,
            password_hash=password_hash,
            verified_at_ms=None if self._verification else terms.now_ms,
            marketing_consent_at_ms=terms.now_ms if form.marketing_consent else None,
        )
        self._ended(await self._store.register(person, terms))
        self._mailed()

    async def resend_verification(self, email: str, language: str) -> None:
        """Mail a new link, if the address waits for one."""
        await self._store.send_verification(fold_any_email(email), self._mail_terms(language))
        self._mailed()

    async def verify_email(self, token: str) -> None:
        """The address is proved. Raises AuthInvalid for a link that is not good (any more)."""
        link = self._tokens.read_link(token, "verify_email")
        if not await self._store.verify_email(link, self._clock.now_ms()):
            raise AuthInvalid

    async def forgot_password(self, email: str, language: str) -> None:
        """Mail a link to set a new password, if there is such an account."""
        await self._store.send_reset(fold_any_email(email), self._mail_terms(language))
        self._mailed()

    async def reset_password(self, token: str, password: str, language: str) -> None:
        """Set a new password by a mailed link; the address is proved thereby, and every session
        ends. Raises AuthInvalid for a link that is not good (any more), Busy."""
        link = self._tokens.read_link(token, "reset_password")
        password_hash = await self._hasher.hash(password)
        ended = await self._store.reset_password(
            link, password_hash, self._clock.now_ms(), language
        )
        if ended is None:
            raise AuthInvalid
        self._ended(ended)
        self._mailed()

    async def change_password(
        self,
        account_id: int,
        session_id: str,
        current: str,
        new: str,
        *,
        address: str,
        language: str,
    ) -> None:
        """Set a new password; all sessions but this one end. Raises RuleBroken
        (RULE_WRONG_PASSWORD), RateLimited after guesses, Busy."""
        known = await self._usable(account_id)
        email = known.account.email
        self._delays.admit(email, address)
        try:
            right = await self._hasher.matches(current, known.password_hash)
        except HotHourError:
            self._delays.withdraw(email, address)
            raise
        if not right or known.password_hash is None:
            raise _wrong_password()
        self._delays.succeeded(email, address)
        new_hash = await self._hasher.hash(new)
        ended = await self._store.change_password(
            account_id,
            known.password_hash,
            new_hash,
            keep_session=session_id,
            now_ms=self._clock.now_ms(),
            language=language,
        )
        if ended is None:
            raise _wrong_password()
        self._ended(ended)
        self._mailed()

    async def me(self, account_id: int) -> Account:
        """The account as it is now. Raises AuthInvalid if it is gone or disabled."""
        return (await self._usable(account_id)).account

    async def create(self, people: Sequence[Person], password: str | None) -> list[Account]:
        """Make verified accounts, all of them with this one password (None: with none).

        Thousands a second: the password is hashed once. Raises Invalid; in batches, so what came
        before the batch with a mistake is made.
        """
        password_hash = None if password is None else await self._hasher.hash(password)
        now_ms = self._clock.now_ms()
        new = [_checked(person, password_hash, now_ms) for person in people]
        made: list[Account] = []
        for start in range(0, len(new), CREATE_BATCH):
            batch = new[start : start + CREATE_BATCH]
            ids = await self._store.create(batch)
            made += [_made(id_, person) for id_, person in zip(ids, batch, strict=True)]
        return made

    async def set_standing(
        self, account_id: int, *, role: str, studio_id: int | None, usable: bool
    ) -> None:
        """Give another role, disable or enable; what its tokens claim ends with its sessions.
        Raises NotFound, Invalid."""
        _check_role(role, studio_id)
        ended = await self._store.set_standing(
            account_id,
            role=role,
            studio_id=studio_id,
            usable=usable,
            now_ms=self._clock.now_ms(),
        )
        if ended is None:
            raise NotFound
        self._ended(ended)

    async def _usable(self, account_id: int) -> Credentials:
        known = await self._store.by_id(account_id)
        if known is None or not known.usable:
            raise AuthInvalid
        return known

    def _mail_terms(self, language: str) -> MailTerms:
        now_ms = self._clock.now_ms()
        return MailTerms(
            now_ms=now_ms,
            language=language,
            verify_until_ms=now_ms + self._settings.verify_ttl_s * 1_000,
            reset_until_ms=now_ms + self._settings.reset_ttl_s * 1_000,
        )


def _checked(person: Person, password_hash: str | None, now_ms: int) -> NewAccount:
    _check_role(person.role, person.studio_id)
    try:
        return NewAccount(
            email=fold_email(person.email),
            full_name=clean_name(person.full_name),
            phone=None if person.phone is None else parse_phone(person.phone),
            gender=person.gender,
            role=person.role,
            studio_id=person.studio_id,
            password_hash=password_hash,
            verified_at_ms=now_ms,
        )
    except ValueError as error:
        raise Invalid(f"{str(error).capitalize()}.") from error


def _check_role(role: str, studio_id: int | None) -> None:
    if (role in STUDIO_ROLES) != (studio_id is not None):
        raise Invalid(
            "A desk or studio_admin belongs to one studio, everybody else to none.",
            (FieldError("studio_id", Invalid.code),),
        )


def _made(account_id: int, new: NewAccount) -> Account:
    return Account(
        account_id,
        new.email,
        new.full_name,
        new.phone,
        new.gender,
        new.role,
        new.studio_id,
        new.verified_at_ms is not None,
    )


def _wrong_password() -> RuleBroken:
    return RuleBroken((FieldError("current_password", RULE_WRONG_PASSWORD),))
