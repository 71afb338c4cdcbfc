"""Which column of a file is which field of a lead: told by its name and by its content, and always with the reason.

What cannot be told becomes a custom field, so a wrong guess is the only way to lose by guessing; guesses are made where
the content bears them out, and a person can overrule each one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from porchlight.kit.errors import PorchlightError
from porchlight.leads import values
from porchlight.leads.assembly import blanks_of
from porchlight.leads.contact_points import BadContactPoint, normalise_phone
from porchlight.leads.fields import (
    CUSTOM,
    FIELDS,
    IGNORE,
    canonical,
    field_named,
    is_exact_name,
    is_field,
    is_of_somebody_else,
    unknown_field_advice,
)

REJECT_COLUMNS = ("rejected_line", "rejected_code", "rejected_reason")
"""The columns a rejects file has before those of the file it came from; a corrected rejects file can be imported."""


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column's field. `confidence` is 0 to 1, and 0 where nothing was recognised; `why` is a short phrase."""

    index: int
    column: str
    field: str
    confidence: float
    why: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Every column of a file in its order. `day_first` is how the file writes its dates."""

    columns: tuple[MappedColumn, ...]
    day_first: bool

    def column_of(self, field: str) -> str | None:
        """The first column that feeds a field."""
        return next((column.column for column in self.columns if column.field == field), None)


class BadMapping(PorchlightError):  # noqa: N818 - it names what was found
    def __init__(self, detail: str):
        super().__init__("import_mapping_invalid", detail, field="map")


def parse_overrides(pairs: Sequence[str]) -> dict[str, str]:
    """`column=field` pairs as given on the command line; raises `BadMapping`."""
    overrides: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals or not column.strip() or not field.strip():
            raise BadMapping(f"{pair!r} is no mapping: write COLUMN=FIELD, as in 'E-mail address=email'")
        overrides[column.strip()] = field.strip()
    return overrides


def recognise(
    columns: Sequence[str],
    sample: Sequence[Sequence[str]],
    *,
    overrides: Mapping[str, str] | None = None,
    external_id: str | None = None,
    outcome: str | None = None,
    region: str = "US",
) -> ColumnMapping:
    """The field of every column, from its name and from the first rows.

    `overrides` give columns their field outright (`ignore`, `custom` and `custom:NAME` too); `external_id` and
    `outcome` name the columns of those fields. Past results are never guessed: a column is taken for them only when
    named. Raises `BadMapping` for a column or field that does not exist.
    """
    named = {external_id: "external_id", outcome: "outcome"}
    wanted = {**(overrides or {}), **{column: field for column, field in named.items() if column is not None}}
    chosen = _resolved(columns, wanted)
    mapped = []
    for index, column in enumerate(columns):
        texts = [row[index].strip() for row in sample]
        field = chosen.get(index)
        if field is not None:
            mapped.append(MappedColumn(index, column, field, 1.0, "chosen", _samples(texts)))
        else:
            guess = _guess(column, texts, region)
            mapped.append(MappedColumn(index, column, guess.field, guess.confidence, guess.why, _samples(texts)))
    dates = [row[column.index] for column in mapped if column.field in {"created_at", "outcome_at"} for row in sample]
    return ColumnMapping(_one_column_each(mapped), values.day_comes_first(dates, default=region not in _MONTH_FIRST))


_MONTH_FIRST = frozenset({"US", "PH", "PR", "GU", "VI", "AS"})


def _resolved(columns: Sequence[str], wanted: Mapping[str, str]) -> dict[int, str]:
    folded = {column.casefold(): index for index, column in reversed(list(enumerate(columns)))}
    chosen = {}
    for column, field in wanted.items():
        index = columns.index(column) if column in columns else folded.get(column.casefold())
        if index is None:
            close = get_close_matches(column, columns, n=3, cutoff=0.5)
            meant = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
            raise BadMapping(f"there is no column {column!r}: {meant}The columns are {', '.join(columns)}")
        if not is_field(field):
            raise BadMapping(unknown_field_advice(field))
        chosen[index] = field
    taken: dict[str, int] = {}
    for index, field in chosen.items():
        if field in FIELDS and not FIELDS[field].many and field in taken:
            raise BadMapping(
                f"{columns[taken[field]]!r} and {columns[index]!r} are both given as {field}: only one column can be"
            )
        taken[field] = index
    return chosen


def _one_column_each(mapped: list[MappedColumn]) -> tuple[MappedColumn, ...]:
    """Leave every field that takes one column to its best one: the chosen, then the surest, then the first."""
    best: dict[str, MappedColumn] = {}
    for column in sorted(mapped, key=lambda column: (column.why != "chosen", -column.confidence, _rank(column))):
        best.setdefault(column.field, column)
    result = []
    for column in mapped:
        winner = best[column.field]
        if column is winner or column.field not in FIELDS or FIELDS[column.field].many:
            result.append(column)
        else:
            why = f"{winner.column!r} already gives the {winner.field}"
            result.append(replace(column, field=CUSTOM, confidence=0.0, why=why))
    return tuple(result)


def _rank(column: MappedColumn) -> tuple[int, int]:
    """Among columns equally sure, the place of the name in its field's table, then in the file."""
    names = FIELDS[column.field].names if column.field in FIELDS else ()
    name = canonical(column.column)
    return (names.index(name) if name in names else len(names), column.index)


# Guessing


@dataclass(frozen=True, slots=True)
class _Guess:
    field: str
    confidence: float
    why: str


_Reader = Callable[[str, str], bool]
"""Whether a text, read in a region, looks like what a field holds."""


def _looks_like_email(text: str, _region: str) -> bool:
    return _EMAIL_SHAPED.fullmatch(text) is not None


def _looks_like_phone(text: str, region: str) -> bool:
    try:
        normalise_phone(text, region)
    except BadContactPoint as error:
        return error.reason == "placeholder"
    return True


def _looks_like_date(text: str, _region: str) -> bool:
    return (values.moment(text) or values.moment(text, day_first=True)) is not None


def _looks_like_name(text: str, _region: str) -> bool:
    return _NAME_SHAPED.fullmatch(text) is not None


_EMAIL_SHAPED = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NAME_SHAPED = re.compile(r"[A-Z][\w.'’-]{0,30}(?: [A-Z][\w.'’-]{0,30}){1,3}")

_CONTENT: Mapping[str, tuple[_Reader, str]] = {
    "email": (_looks_like_email, "e-mail addresses"),
    "phone": (_looks_like_phone, "phone numbers"),
    "created_at": (_looks_like_date, "dates"),
    "outcome_at": (_looks_like_date, "dates"),
    "owner_email": (_looks_like_email, "e-mail addresses"),
    "full_name": (_looks_like_name, "names of people"),
}
_BORNE_OUT_BY_CONTENT = ("email", "phone", "created_at", "outcome_at", "owner_email")
_LEAST_SHARE_FOR_NAMED = 0.3
_LEAST_SHARE_FOR_UNNAMED = 0.9
_LEAST_VALUES_TO_JUDGE = 5
_LEAST_VALUES_FOR_NAMES = 20
_LEAST_DISTINCT_NAMES = 0.6
_JUDGED_VALUES = 200

_OWNER_NAMES = frozenset(
    {"owner", "contact owner", "lead owner", "agent", "assigned to", "assigned agent", "assigned user", "assigned",
     "listing agent owner", "agent assigned", "primary agent"}
)  # fmt: skip
_RESULT_NAMES = frozenset(
    {"converted", "conversion", "won", "outcome", "result", "closed", "sold", "is won", "is closed", "deal won"}
)
_PERSON_WORDS = frozenset(
    {"name", "names", "who", "person", "people", "client", "contact", "buyer", "customer", "lead"}
)
_IDENTIFIER_WORDS = frozenset({"id", "ids", "number", "no", "key", "code", "ref", "reference", "uuid", "guid", "mls"})


def _guess(column: str, texts: Sequence[str], region: str) -> _Guess:
    if column in REJECT_COLUMNS:
        return _Guess(IGNORE, 1.0, "added by an earlier import")
    name = canonical(column)
    if name in _RESULT_NAMES:
        return _Guess(CUSTOM, 0.0, "may be past results: say so with --outcome to learn from them")
    field = field_named(column)
    if field == "external_id":
        return _guessed_identifier(texts)
    if field is not None:
        return _guess_by_name(field, 1.0 if is_exact_name(column) else 0.9, texts, region)
    if name in _OWNER_NAMES and _share("owner_email", texts, region) >= _LEAST_SHARE_FOR_UNNAMED:
        return _Guess("owner_email", 0.9, "name and content")
    return _guess_by_content(column, texts, region)


def _guess_by_name(field: str, confidence: float, texts: Sequence[str], region: str) -> _Guess:
    if field in _BORNE_OUT_BY_CONTENT and len(_answers(field, texts)) >= _LEAST_VALUES_TO_JUDGE:
        share = _share(field, texts, region)
        if share < _LEAST_SHARE_FOR_NAMED:
            return _Guess(CUSTOM, 0.0, f"named like {field}, but {share:.0%} of it look like {_CONTENT[field][1]}")
    return _Guess(field, confidence, "name")


def _guessed_identifier(texts: Sequence[str]) -> _Guess:
    answers = _answers("external_id", texts)
    if len(answers) < len(texts) or len(set(answers)) < len(answers):
        return _Guess(CUSTOM, 0.0, "named like an identifier, but its values repeat or are missing")
    return _Guess("external_id", 1.0, "name, and no value repeats")


def _guess_by_content(column: str, texts: Sequence[str], region: str) -> _Guess:
    words = set(canonical(column).split())
    for field, plausible in (("email", True), ("phone", words.isdisjoint(_IDENTIFIER_WORDS))):
        share = _share(field, texts, region)
        if plausible and share >= _LEAST_SHARE_FOR_UNNAMED:
            if is_of_somebody_else(column):
                return _Guess(CUSTOM, 0.0, f"{_CONTENT[field][1]}, but its name speaks of somebody else than the lead")
            return _Guess(field, share, f"content: {share:.0%} look like {_CONTENT[field][1]}")
    answers = _answers("full_name", texts)
    share = _share("full_name", texts, region)
    if (
        len(answers) >= _LEAST_VALUES_FOR_NAMES
        and share >= _LEAST_SHARE_FOR_UNNAMED
        and len(set(answers)) >= _LEAST_DISTINCT_NAMES * len(answers)
        and not (words.isdisjoint(_PERSON_WORDS) or is_of_somebody_else(column))
    ):
        return _Guess("full_name", share / 2, f"content: {share:.0%} look like {_CONTENT['full_name'][1]}")
    return _Guess(CUSTOM, 0.0, "not recognised")


def _answers(field: str, texts: Sequence[str]) -> list[str]:
    blanks = blanks_of(field)
    return [text for text in texts if text.lower() not in blanks]


def _share(field: str, texts: Sequence[str], region: str) -> float:
    answers = _answers(field, texts)[:_JUDGED_VALUES]
    looks_right = _CONTENT[field][0]
    return sum(looks_right(text, region) for text in answers) / len(answers) if answers else 0.0


_SHOWN_SAMPLES = 3
_SHOWN_LENGTH = 60


def _samples(texts: Sequence[str]) -> tuple[str, ...]:
    distinct = dict.fromkeys(text[:_SHOWN_LENGTH] for text in texts if text)
    return tuple(distinct)[:_SHOWN_SAMPLES]
