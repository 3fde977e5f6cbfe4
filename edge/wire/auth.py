"""What /auth takes and answers.

Registration is read strictly and put into the stored spelling. Where a wrong value must look like
an unknown one (log-in, forgotten password), any text is taken as an address. No model here may
have a field for a hash.
"""

import unicodedata
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, WithJsonSchema

from edge.wire.base import Answer, Body, Id, Query
from engine.domain.contact import (
    EMAIL_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PHONE_LENGTH_MAX,
    clean_name,
    fold_email,
    parse_phone,
)

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 128
ANY_TEXT_MAX: Final = 1_024

Gender = Literal["FEMALE", "MALE"]
Role = Literal["customer", "desk", "studio_admin", "platform_admin"]

EmailIn = Annotated[
    str,
    Field(max_length=EMAIL_LENGTH_MAX),
    AfterValidator(fold_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": EMAIL_LENGTH_MAX}),
]
"""An e-mail address, folded."""

PhoneIn = Annotated[
    str,
    Field(max_length=PHONE_LENGTH_MAX, examples=["+905321234567"]),
    AfterValidator(parse_phone),
]
"""A phone number, in E.164; one without a country code is Turkish."""

NameIn = Annotated[str, Field(max_length=4 * NAME_LENGTH_MAX), AfterValidator(clean_name)]
"""A person's name, trimmed."""

AnyText = Annotated[str, Field(max_length=ANY_TEXT_MAX)]
"""An address or a password somebody claims to have, or a token."""


def _composed(value: object) -> object:
    """Accents count as they are hashed: composed, each letter one character."""
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


NewPassword = Annotated[
    str,
    BeforeValidator(_composed),
    Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX),
]
"""A password to be."""


class RegisterBody(Body):
    """Who wants an account."""

    email: EmailIn
    full_name: NameIn
    phone: PhoneIn
    gender: Gender | None = None
    password: NewPassword
    marketing_consent: StrictBool = False


class LoginBody(Body):
    """Who says to have one."""

    email: AnyText
    password: AnyText


class RefreshBody(Body):
    """The refresh token of a session."""

    refresh_token: AnyText


class EmailBody(Body):
    """The address that a link is wanted for."""

    email: AnyText


class TokenBody(Body):
    """The token of a mailed link."""

    token: AnyText


class TokenQuery(Query):
    """The token of a mailed link, as the mail has it."""

    token: AnyText = ""


class ChangePasswordBody(Body):
    """The password that was and the one to be."""

    current_password: AnyText
    new_password: NewPassword


class ResetPasswordBody(Body):
    """The token of a mailed link, and the password to be."""

    token: AnyText
    new_password: NewPassword


class AcceptedAnswer(Answer):
    """Whoever it concerns gets mail: nobody learns here whether an address is known."""

    status: Literal["verification_sent", "reset_sent"]


class UserAnswer(Answer):
    """An account, as its owner sees it."""

    id: Id
    email: str
    full_name: str
    phone: str | None
    gender: Gender | None
    role: Role
    studio_id: Id | None
    email_verified: bool


class SignedInAnswer(Answer):
    """A session's tokens."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds the access token lives")
    user: UserAnswer
