"""Text made comparable for search: letter case and accents do not matter, Turkish ones included.

"ILIK", "ılık" and "Ilık" are one word to whoever looks for it, and so are "Kadıköy" and "kadikoy".
A fixed table of single characters decides, so that a database can be asked the very same question
(`VARIANTS`, `MARKS`) and no locale of either side has a say: a Turkish locale lowers I to ı, others
do not. Must never be used for what is shown or stored.
"""

import string
from typing import Final

_ACCENTED: Final = {
    "a": "àáâãäåÀÁÂÃÄÅ",
    "c": "çÇ",
    "e": "èéêëÈÉÊË",
    "g": "ğĞ",
    "i": "ıİìíîïÌÍÎÏ",
    "n": "ñÑ",
    "o": "òóôõöÒÓÔÕÖ",
    "s": "şŞșȘ",
    "u": "ùúûüÙÚÛÜ",
}
VARIANTS: Final = {
    letter: letter + letter.upper() + _ACCENTED.get(letter, "") for letter in string.ascii_lowercase
}
"""A folded letter, and all that become it."""

MARKS: Final = "\u0300\u0301\u0302\u0303\u0306\u0307\u0308\u0326\u0327"
"""The same accents as characters of their own, as some keyboards send them: they vanish."""

_TABLE: Final = {
    **{ord(sign): letter for letter, signs in VARIANTS.items() for sign in signs},
    **{ord(mark): None for mark in MARKS},
}


def folded(text: str) -> str:
    """The text without case and accents."""
    return text.translate(_TABLE)


def words(query: str) -> tuple[str, ...]:
    """The different words of a search, folded, in their order."""
    return tuple(dict.fromkeys(folded(query).split()))
