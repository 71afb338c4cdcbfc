"""A person's name in parts, as far as it can be told from the way it is written."""

from __future__ import annotations

from typing import NamedTuple

HONORIFICS = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "hon", "sir", "madam"})
SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds", "cpa"})
PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "la", "le", "du", "bin", "al", "el",
     "ter", "ten", "st", "st."}
)  # fmt: skip
"""Words that belong to the family name after them."""


class Name(NamedTuple):
    given: str | None
    family: str | None


def split_name(full: str) -> Name:
    """Given and family name of a name as written: `Joe van Dyke`, `Dyke, Joe`, `Dr. Joe Dyke Jr.`, `Joe & Ann Dyke`.

    A single word is a given name. The parts serve for greeting and matching only; the full name is kept as it was.
    """
    family_first, comma, rest = full.partition(",")
    if comma and rest.strip() and _bare(rest) not in SUFFIXES:
        return Name(_core(rest) or None, _core(family_first) or None)
    words = _core(full.replace(",", " ")).split()
    if not words:
        return Name(None, None)
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in PARTICLES:
        start -= 1
    return Name(" ".join(words[:start]) or words[0], " ".join(words[start:]) if start else None)


def _core(text: str) -> str:
    """The words without titles before and degrees after them."""
    words = text.split()
    while len(words) > 1 and _bare(words[0]) in HONORIFICS:
        del words[0]
    while len(words) > 1 and _bare(words[-1]) in SUFFIXES:
        del words[-1]
    return " ".join(words)


def _bare(word: str) -> str:
    return word.strip().rstrip(".,").replace(".", "").lower()
