"""HOT-XXXX, the code a guest shows at the door: draws it and reads it back.

The alphabet leaves out I, L, O, 0 and 1, which are mistaken for each other. Codes are drawn, never
counted up, from the chance that is handed in (a CSPRNG in production); whether a code is free is
for the store to say. Must never fold letters by the rules of a language: in Turkish the capital of
i is not I, and elsewhere one letter may become two, so only ASCII letters are folded.
"""

import re
from typing import Final, Protocol

PREFIX: Final = "HOT"
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH: Final = 4
LENGTH_MAX: Final = 8
"""Codes grow by a letter when the space fills up; a code longer than this is none of ours."""
SPACE: Final[int] = len(ALPHABET) ** LENGTH
"""How many codes of the usual length there are: 923,521."""

_TYPED_MAX: Final = 64
_HYPHENS: Final = "-\u2010\u2011\u2012\u2013\u2014\u2212"  # phones turn "-" into any of these
_ASCII_UPPER: Final = {ord(low): ord(low) - 32 for low in "abcdefghijklmnopqrstuvwxyz"}
_DROPPED: Final = {ord(hyphen): None for hyphen in _HYPHENS}
_TYPED: Final = re.compile(rf"(?:{PREFIX})?([{ALPHABET}]{{{LENGTH},{LENGTH_MAX}}})")


class Rng(Protocol):
    """The one thing asked of chance: a whole number from 0 to below `stop`, all equally likely."""

    def randrange(self, stop: int, /) -> int: ...


def draw(rng: Rng, length: int = LENGTH) -> str:
    """Draw one code, "HOT-7K2M"; each of the 31 ** length is equally likely."""
    if not LENGTH <= length <= LENGTH_MAX:
        raise ValueError(f"a code has {LENGTH} to {LENGTH_MAX} letters, not {length}")
    number = rng.randrange(len(ALPHABET) ** length)
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return f"{PREFIX}-{''.join(letters)}"


def parse(text: str) -> str | None:
    """Read a code as people type it and return it as it is stored; None if it is no code.

    Forgiven: case, spaces and hyphens of any kind anywhere, a missing prefix.
    """
    if len(text) > _TYPED_MAX:
        return None
    bare = "".join(text.split()).translate(_DROPPED).translate(_ASCII_UPPER)
    typed = _TYPED.fullmatch(bare)
    return None if typed is None else f"{PREFIX}-{typed.group(1)}"
