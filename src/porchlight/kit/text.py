"""Text as people search for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of `text`, without case and accents, in order."""
    if text.isascii():
        return _WORD.findall(text.lower())
    # Taken apart before as well: a letter in its mathematical form has no small one of its own.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)))


def search_text(parts: Iterable[str | None]) -> str:
    """What a record is found by: every word of `parts`, and numbers also without their first digits.

    A phone number is asked for with or without its country code, and by its last seven digits.
    """
    found: list[str] = []
    for word in (word for part in parts if part for word in words(part)):
        found.append(word)
        if word.isdecimal() and len(word) >= 10:
            found += [word[-10:], word[-7:]]
    return " ".join(dict.fromkeys(found))


def prefix_query(text: str) -> str | None:
    """A tsquery for records that have, for every word of `text`, a word that begins with it."""
    digits = re.sub(r"[\s().+-]", "", text)
    asked = [digits] if digits.isdecimal() and len(digits) >= 7 else words(text)[:8]
    return " & ".join(f"{word}:*" for word in asked) or None
