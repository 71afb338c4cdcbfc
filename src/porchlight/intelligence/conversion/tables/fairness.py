"""The fairness guard: columns that are a protected class, or stand in for one, never enter a score.

Protected: race, colour, religion, sex, familial status, national origin, disability (US Fair Housing Act, 42 U.S.C.
3604), age and marital status (Equal Credit Opportunity Act, 15 U.S.C. 1691). A column is known by its name or by what
it holds; a column that tells the groups of an audited column apart stands in for it.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.tables.kinds import Column

TELLS_GROUPS: Final = 0.6
"""Part of the uncertainty about the group (0 to 1) that a column may remove before it stands in for the group."""
_MOST: Final = 0.8
_LEAST_MATCHED: Final = 20
_SAMPLE: Final = 20_000


_HARMLESS: Final = frozenset({"lead age", "size", "total size", "lead status", "status", "contact age"})
"""Names that say something of the record or the home, although a word in them could mean a person."""

Reason = Literal["protected", "stands_in"]


class Guarded(NamedTuple):
    reason: Reason
    evidence: str


class _Class(NamedTuple):
    reason: Reason
    what: str
    name: re.Pattern[str] | None
    values: frozenset[str]


_BEFORE: Final = (
    "what is|your|the|lead|customer|client|contact|buyer|seller|borrower|applicant|person|prospect|owner|user|member|"
    "primary|is|has|number of|no of|num|total|household|reported|self"
)
_AFTER: Final = (
    "group|band|range|bracket|status|code|years?|category|of (?:lead|customer|client|contact|applicant|buyer)"
)


def _class(reason: Reason, what: str, names: str, values: str = "") -> _Class:
    pattern = re.compile(rf"(?:(?:{_BEFORE}) )*(?:{names})(?: (?:{_AFTER}))*(?: \d+)?") if names else None
    return _Class(reason, what, pattern, frozenset(values.split("|")) if values else frozenset())


CLASSES: Final = (
    _class("protected", "sex", "sex|gender|male|female|pronouns?", "male|female|m|f|man|woman|non-binary|other"),
    _class(
        "protected",
        "race or colour",
        "race|ethnicity|ethnic(?: origin)?|race ethnicity|skin colou?r",
        "white|black|asian|hispanic|latino|latina|african american|native american|caucasian|pacific islander|other",
    ),
    _class(
        "protected",
        "religion",
        "religion|religious(?: affiliation)?|faith|denomination|church",
        "christian|catholic|protestant|muslim|jewish|hindu|buddhist|sikh|atheist|agnostic|none|other|islam|hinduism",
    ),
    _class(
        "protected",
        "national origin",
        "national origin|nationality|citizen(?:ship)?|birth ?country|country of (?:birth|origin)|"
        "place of birth|birth ?place|immigration|visa|native language",
    ),
    _class(
        "protected",
        "familial status",
        "familial|family(?: size)?|children|child(?:ren)? count|kids|n ?kids|dependents|dependants|household size|size|"
        "pregnan(?:t|cy)|child",
    ),
    _class(
        "protected",
        "marital status",
        "marital|marriage|married|spouse|civil status",
        "single|married|divorced|widowed|separated|widow|widower|never married|domestic partner|partnered|other",
    ),
    _class("protected", "disability", "disab(?:led|ility)|handicap(?:ped)?|wheelchair|health|medical condition"),
    _class(
        "protected",
        "age",
        "age|ages|birth ?(?:date|day|year)|date of birth|dob|year of birth|yob|generation|senior citizen",
        "18-24|25-34|35-44|45-54|55-64|65+|gen z|millennial|gen x|boomer|baby boomer|silent",
    ),
    _class("protected", "sexual orientation", "sexual orientation|lgbtq?"),
    _class(
        "stands_in",
        "name, which tells sex and origin",
        "(?:first|last|full|given|family|middle|maiden)? ?name|surname|forename|salutation|honorific|title prefix",
    ),
    _class(
        "stands_in",
        "form of address, which tells sex and marital status",
        "",
        "mr|mrs|ms|miss|mr.|mrs.|ms.|dr|dr.|sir|madam",
    ),
    _class("stands_in", "country, which tells national origin", "(?:home )?country|country of residence|country name"),
    _class(
        "stands_in",
        "language, which tells national origin",
        "(?:preferred |spoken )?languages?|mother tongue|locale",
        "english|spanish|chinese|mandarin|french|german|hindi|arabic|russian|portuguese|korean|vietnamese|tagalog|italian",
    ),
    _class(
        "stands_in",
        "postal area, which tells who lives there",
        "zip|zip ?codes?|postal ?codes?|post ?code|census(?: tract| block)?|tract|block ?group|neighbou?rhood|"
        "school district|latitude|longitude|lat|lng|lon|long|geocode",
    ),
    _class(
        "stands_in",
        "life event, which tells familial or marital status",
        "life ?events?|divorced?|newly ?weds?|engagement|new ?baby|baby|new ?born|widow(?:ed)?|wedding(?: date)?",
    ),
    _class("stands_in", "photograph, which tells the person", "photo|picture|avatar|profile (?:image|picture|photo)"),
)

_ZIP: Final = r"^\d{5}-\d{4}$|^[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}$|^[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d$"
_ZIP_FIVE: Final = r"^\d{5}$"
_ZIP_PADDED: Final = r"^0\d{4}$"


def guard(column: Column, cells: pl.Series) -> Guarded | None:
    """Why this column must not enter a score, by its name or by what it holds (`cells` as text); None where it may."""
    name = plain_name(column.name)
    for known in CLASSES:
        if known.name is not None and known.name.fullmatch(name) and name not in _HARMLESS:
            return _say(known, f"its name says so (“{column.name}”)")
    values = [str(value).strip().casefold() for value in cells.drop_nulls().unique().head(_LEAST_MATCHED * 3).to_list()]
    if column.kind in ("category", "number") and 2 <= len(values) <= _LEAST_MATCHED:
        for known in CLASSES:
            matched = [value for value in values if value in known.values]
            specific = [value for value in matched if value not in ("other", "none", "unknown")]
            if len(specific) >= 2 and len(matched) >= _MOST * len(values):
                return _say(known, f"it holds {', '.join(f'“{value}”' for value in specific[:3])}")
    if _holds_postal_codes(cells.drop_nulls().head(_SAMPLE)):
        return Guarded("stands_in", f"“{column.name}” holds postal codes, which tell who lives there.")
    return None


def _holds_postal_codes(sample: pl.Series) -> bool:
    if sample.len() < _LEAST_MATCHED or sample.dtype != pl.String:
        return False
    shapes = [float(sample.str.contains(shape).mean() or 0.0) for shape in (_ZIP, _ZIP_FIVE, _ZIP_PADDED)]  # type: ignore[arg-type]
    return shapes[0] >= _MOST or (shapes[1] >= 0.97 and shapes[2] > 0.001)


def tells_group(values: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> float:
    """The part of the uncertainty about `groups` that knowing `values` (both codes from 0 on) removes, 0 to 1.

    Theil's uncertainty coefficient, less what as many values would remove by chance (Miller & Madow's correction).
    """
    table = np.zeros((int(values.max()) + 1, int(groups.max()) + 1))
    np.add.at(table, (values, groups), 1.0)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    total = table.sum()
    joint = table / total
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    filled = joint > 0.0
    shared = float((joint[filled] * np.log(joint[filled] / expected[filled])).sum())
    shared -= (table.shape[0] - 1) * (table.shape[1] - 1) / (2.0 * total)
    part = joint.sum(axis=0)
    uncertainty = -float((part * np.log(part)).sum())
    return max(0.0, shared / uncertainty) if uncertainty > 0.0 else 0.0


def plain_name(name: str) -> str:
    """A column's name in small letters and single words: `BirthDate`, `birth_date` and `Birth Date` are the same."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()


def _say(known: _Class, why: str) -> Guarded:
    verb = "is" if known.reason == "protected" else "is a"
    return Guarded(known.reason, f"It {verb} {known.what}: {why}.")
