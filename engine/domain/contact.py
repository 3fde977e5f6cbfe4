"""Who a person is and how to reach them, in one spelling each: e-mail address, phone, name.

Two spellings of one address must never make two accounts, so everything is folded here, in Python
and by no language's rules: a Turkish keyboard writes İ for a capital i and ı beside it, and what
`lower()` makes of them depends on who is asked. What comes out is plain ASCII (addresses, phones)
or NFC (names). Must never look anything up: whether an address is reachable, its mail will tell.
"""

import unicodedata
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email

REGION: Final = "TR"
"""Where a phone number without a country code is from."""
EMAIL_LENGTH_MAX: Final = 254
PHONE_LENGTH_MAX: Final = 40
"""Of a number as it is typed, with its spaces and brackets."""
NAME_LENGTH_MAX: Final = 120

NO_ADDRESS: Final = ""
"""What no account has."""

_DOTTED_I: Final = (("İ", "i"), ("i\u0307", "i"))
# Cs: half of a surrogate pair. Cc and the rest: a line break in a name is a header in a mail.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")  # of the category Cf, and part of real names


def fold_email(text: str) -> str:
    """The address as it is stored: ASCII, lower case, an international domain in its xn-- form.

    İ is an i anywhere, ı only before the @: a domain may really have one. Mail only ever goes to
    the folded address, so nobody gains by an address that folds to somebody else's. Raises
    ValueError for what is no address.
    """
    if len(text) > EMAIL_LENGTH_MAX:
        raise ValueError("the e-mail address is too long")
    folded = text.strip()
    for written, meant in _DOTTED_I:
        folded = folded.replace(written, meant)
    local, at, domain = folded.rpartition("@")
    try:
        address = validate_email(
            f"{local.replace('ı', 'i')}{at}{domain}",
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=True,  # admits the reserved top-level domain "test"
        )
    except EmailNotValidError as error:
        raise ValueError("this is not an e-mail address") from error
    assert address.ascii_email is not None, "what is before the @ is ASCII"
    return address.ascii_email.lower()


def fold_any_email(text: str) -> str:
    """As `fold_email`; NO_ADDRESS for what is none: an unknown address like any other."""
    try:
        return fold_email(text)
    except ValueError:
        return NO_ADDRESS


def parse_phone(text: str) -> str:
    """The number in E.164, "+905321234567"; one without a country code is Turkish.

    Whether the number is in use nobody can tell from its digits; that it has as many as its country
    gives them is checked. Raises ValueError for what is no phone number.
    """
    if len(text) > PHONE_LENGTH_MAX:
        raise ValueError("this is not a phone number")
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError("this is not a phone number") from error
    if number.extension or not phonenumbers.is_possible_number(number):
        raise ValueError("this is not a phone number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def clean_name(text: str) -> str:
    """The name in NFC with single spaces; ValueError if nothing is left of it, or too much.

    Case is left alone: no rule but the person's own says how a name is written.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        raise ValueError(f"a name has 1 to {NAME_LENGTH_MAX} characters")
    if any(unicodedata.category(c) in _UNPRINTABLE and c not in _JOINERS for c in name):
        raise ValueError("a name has printable characters only")
    return name
