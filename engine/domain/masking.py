"""Contacts as a desk sees them: enough to recognise a guest, too little to reach one.

Only shortens; must never look anything up. Stars are a fixed number, so that no length is told.
"""

from typing import Final

_HIDDEN: Final = "***"
_PHONE_START: Final = 3
_PHONE_END: Final = 2


def first_name(full_name: str) -> str:
    """The first word of a name: "Ayşe Nur Yılmaz" is "Ayşe"."""
    return full_name.partition(" ")[0]


def masked_email(email: str) -> str:
    """The first letters and the last label: "ayse@mail.example.com" is "a***@m***.com"."""
    local, _, domain = email.partition("@")
    host, _, last = domain.rpartition(".")
    return f"{local[:1]}{_HIDDEN}@{host[:1]}{_HIDDEN}.{last}"


def masked_phone(phone: str) -> str:
    """The beginning and the end of an E.164 number: "+905321234567" is "+90***67"."""
    return f"{phone[:_PHONE_START]}{_HIDDEN}{phone[-_PHONE_END:]}"
