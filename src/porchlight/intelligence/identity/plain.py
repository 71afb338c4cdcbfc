"""The usual forms of values normalised a whole column at once, because a function call for each takes minutes.

Each expression gives what the normaliser of the kind gives, or null where the value has to be looked at by itself.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from porchlight.intelligence.identity.fields import Kind
from porchlight.intelligence.identity.normalise import NOTHING, STREET_WORDS, TITLES

_CELL: Final = pl.col("cell")


def plain_form(kind: Kind, region: str) -> pl.Expr | None:
    """The normalised form of the usual values of `kind` in the column `cell`; None where there is no short way."""
    if kind == "phone" and region != "US":
        return None
    return _FORMS.get(kind)


def _words_without(left_out: frozenset[str]) -> pl.Expr:
    """Words of letters and digits, one space between them, of which none is in `left_out`."""
    lower = _CELL.str.to_lowercase()
    usual = lower.str.contains(r"^[a-z0-9]+( [a-z0-9]+)*$") & ~lower.is_in(sorted(NOTHING))
    if left_out:
        usual &= ~lower.str.contains(rf"(^| )({'|'.join(sorted(left_out))})( |$)")
    return pl.when(usual).then(lower)


_TEXT: Final = _words_without(frozenset())
_FORMS: Final[dict[Kind, pl.Expr]] = {
    "given": _words_without(TITLES),
    "surname": _words_without(TITLES),
    "street": _words_without(frozenset(STREET_WORDS)),
    "city": _TEXT,
    "occupation": _TEXT,
    "number": _TEXT,
    "other": _TEXT,
    "postcode": pl.when(_CELL.str.contains(r"^[A-Za-z0-9]{1,8}$") & _TEXT.is_not_null()).then(_CELL.str.to_lowercase()),
    "email": pl.when(_CELL.str.contains(r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")).then(
        _CELL.str.to_lowercase()
    ),
    "birth_date": pl.when(_CELL.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")).then(
        _CELL.str.replace_all("-", "", literal=True)
    ),
    "phone": pl.concat_str(
        pl.lit("+1"), _CELL.str.replace_all(r"[ ().\-/]", "").str.extract(r"^(?:\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})$", 1)
    ),
}
