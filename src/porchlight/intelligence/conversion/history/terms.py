"""What stands beside a lead's facts and may matter to one team only: their sources, their agent, their own fields.

Each field becomes indicator columns whose weights are held near zero, so that a value has to earn its influence. A
field that is, or stands in for, a protected class never enters, and neither does one that looks filled in after the
outcome: the same guards as for tables.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import numpy as np
import polars as pl

from porchlight.intelligence.conversion.features import FACTORS, Factor
from porchlight.intelligence.conversion.forecast import Other
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, OPEN, Floats, Rows
from porchlight.intelligence.conversion.tables.fairness import guard
from porchlight.intelligence.conversion.tables.leaks import signs, verdict
from porchlight.intelligence.tables.kinds import describe, typed

Kind = Literal["source", "owner", "custom"]

LEAST_LEADS: Final = 8
"""Of how many leads a value must be before it gets a weight of its own."""
LEVELS_AT_MOST: Final = 20
COLUMNS_AT_MOST: Final = 200
_STEPS: Final = 6

_FACTOR_WORDS: Final[tuple[tuple[Factor, str], ...]] = (
    ("budget_alignment", r"budget|price|pric|financ|mortgage|loan|cash|afford|income|deposit|fund"),
    ("urgency", r"time ?(?:frame|line)|when|urgen|move|moving|deadline|soon|plan"),
    ("responsiveness", r"e ?mail|phone|call|contact|repl|respon|opened|click|message"),
    ("market_timing", r"market|season|month|quarter"),
    ("agent_fit", r"agent|owner|team|office|assigned|branch"),
    ("competition", r"source|origin|campaign|referr|channel|competitor|other agent|medium|ad\b"),
    ("momentum", r"visit|view|time spent|page|session|activity|stage|step|score"),
)


class About(NamedTuple):
    """What a forecast may know of a lead beside its state."""

    owner: str | None = None
    custom: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Term:
    """The weights of one field's values. A number falls between two `edges`, and `steps` has one weight per gap.

    `zero` is added for every lead: it puts the average lead at nothing.
    """

    kind: Kind
    name: str
    factor: Factor
    levels: Mapping[str, float] = field(default_factory=dict)
    edges: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()
    zero: float = 0.0

    @property
    def columns(self) -> int:
        return len(self.levels) + len(self.steps)


def find_terms(rows: Rows) -> list[Term]:
    """The fields of these rows that may enter, with weights of nothing so far."""
    leads, first = np.unique(rows.lead, return_index=True)
    about = [rows.about[i] for i in first]
    names = {mark_of(fact.source): fact.source for one in about for fact in one.facts if fact.source}
    seen = Counter(mark for i in _last_of_each(rows) for mark in rows.marks[i])
    sources = [
        names[mark].strip() for mark, count in seen.most_common(LEVELS_AT_MOST) if LEAST_LEADS <= count < len(leads)
    ]
    owners = _common(one.owner for one in about)
    found = [
        Term("source", "source", "competition", dict.fromkeys(sources, 0.0)),
        Term("owner", "agent", "agent_fit", dict.fromkeys(owners, 0.0)),
    ]
    won = np.array([_won(int(event)) for event in rows.event[first]])
    found += _custom_terms([one.custom for one in about], won)
    kept: list[Term] = []
    for term in found:
        if 0 < term.columns <= COLUMNS_AT_MOST - sum(other.columns for other in kept):
            kept.append(term)
    return kept


def columns_of(terms: Sequence[Term], rows: Rows) -> Floats:
    """The indicator columns of the terms, shape (n, columns), in the order of the terms and their levels."""
    width = sum(term.columns for term in terms)
    matrix = np.zeros((len(rows), width))
    reader = Reader(terms)
    for index in range(len(rows)):
        one = rows.about[index]
        for column, _ in reader.found(rows.marks[index], About(one.owner, one.custom)):
            matrix[index, column] = 1.0
    return matrix


def weighted(terms: Sequence[Term], weights: Sequence[float], zeros: Sequence[float]) -> tuple[Term, ...]:
    """The terms with weights in the order of their columns, and their zeros."""
    done: list[Term] = []
    start = 0
    for term, zero in zip(terms, zeros, strict=True):
        own = weights[start : start + term.columns]
        start += term.columns
        levels = dict(zip(term.levels, own[: len(term.levels)], strict=True))
        steps = tuple(own[len(term.levels) :])
        done.append(Term(term.kind, term.name, term.factor, levels, term.edges, steps, zero))
    return tuple(done)


class Reader:
    """Terms ready to be asked about a lead."""

    __slots__ = ("_custom", "_marks", "_owners", "_terms", "_zeros")

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = tuple(terms)
        self._marks: dict[int, tuple[int, Other]] = {}
        self._owners: dict[str, tuple[int, Other]] = {}
        self._custom: list[tuple[int, Term]] = []
        column = 0
        for term in terms:
            if term.kind == "custom":
                self._custom.append((column, term))
            for number, (level, weight) in enumerate(term.levels.items()):
                if term.kind == "source":
                    self._marks[mark_of(level)] = (column + number, Other(term.factor, f"Came through {level}", weight))
                elif term.kind == "owner":
                    self._owners[level] = (column + number, Other(term.factor, "How their agent's leads go", weight))
            column += term.columns
        self._zeros = tuple(
            Other(term.factor, f"What the average lead has as {term.name}", term.zero) for term in terms if term.zero
        )

    def others(self, marks: Iterable[int], about: About) -> tuple[Other, ...]:
        """What the terms add for a lead with these sources (`State.sources`)."""
        if not self._terms:
            return ()
        return (*self._zeros, *(other for _, other in self.found(marks, about) if other.log_odds))

    def found(self, marks: Iterable[int], about: About) -> Iterator[tuple[int, Other]]:
        for mark in marks:
            if mark in self._marks:
                yield self._marks[mark]
        if about.owner in self._owners:
            yield self._owners[about.owner]
        for column, term in self._custom:
            text = about.custom.get(term.name)
            if text is None:
                continue
            text = text.strip()
            if term.steps:
                number = as_number(text)
                if number is not None:
                    gap = bisect_right(term.edges, number)
                    yield column + gap, Other(term.factor, f"{term.name}: {text}", term.steps[gap])
            elif text in term.levels:
                place = column + list(term.levels).index(text)
                yield place, Other(term.factor, f"{term.name}: {text}", term.levels[text])


def mark_of(source: str) -> int:
    """The mark by which a state remembers a source."""
    return crc32(source.strip().casefold().encode())


def as_number(text: str) -> float | None:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return number if isfinite(number) else None


def to_json(terms: Sequence[Term]) -> list[dict[str, Any]]:
    return [
        {
            "kind": term.kind,
            "name": term.name,
            "factor": term.factor,
            "levels": [[level, weight] for level, weight in term.levels.items()],
            "edges": list(term.edges),
            "steps": list(term.steps),
            "zero": term.zero,
        }
        for term in terms
    ]


def from_json(items: Sequence[Mapping[str, Any]]) -> tuple[Term, ...]:
    """The terms that `to_json` wrote. Raises ValueError where they are out of bounds."""
    found = []
    for item in items:
        levels = {str(level): float(weight) for level, weight in item["levels"]}
        edges, steps = tuple(map(float, item["edges"])), tuple(map(float, item["steps"]))
        term = Term(item["kind"], str(item["name"]), item["factor"], levels, edges, steps, float(item["zero"]))
        if term.kind not in ("source", "owner", "custom") or term.factor not in FACTORS:
            raise ValueError(f"the term {term.name!r} has no kind or factor that is known")
        if list(edges) != sorted(edges) or (steps and len(steps) != len(edges) + 1):
            raise ValueError(f"the steps of the term {term.name!r} do not fit its edges")
        if not all(isfinite(number) for number in (*levels.values(), *edges, *steps, term.zero)):
            raise ValueError(f"the term {term.name!r} holds a number out of bounds")
        found.append(term)
    if sum(term.columns for term in found) > COLUMNS_AT_MOST:
        raise ValueError(f"more than {COLUMNS_AT_MOST} weights beside the features")
    return tuple(found)


def _custom_terms(customs: Sequence[Mapping[str, str]], won: Floats) -> list[Term]:
    names = [
        name for name, count in Counter(name for one in customs for name in one).most_common(60) if count >= LEAST_LEADS
    ]
    if not names:
        return []
    frame = pl.DataFrame(
        {name: [one.get(name) for one in customs] for name in names}, schema=dict.fromkeys(names, pl.String)
    )
    columns = describe(frame)
    values = typed(frame, columns)
    decided = np.flatnonzero(~np.isnan(won))
    found = []
    for column in columns:
        if guard(column, frame[column.name]) or column.kind not in ("number", "category"):
            continue
        if verdict(signs(column, values[column.name], won, decided, None)):
            continue
        if column.kind == "number":
            numbers = np.array([n for one in customs if (n := as_number(one.get(column.name, ""))) is not None])
            if len(numbers) < LEAST_LEADS * 2:
                continue
            edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _STEPS + 1)[1:-1]))
            term = Term(
                "custom", column.name, factor_of(column.name), {}, tuple(edges.tolist()), (0.0,) * (len(edges) + 1)
            )
        else:
            levels = _common(one.get(column.name) for one in customs)
            term = Term("custom", column.name, factor_of(column.name), dict.fromkeys(levels, 0.0))
        found.append(term)
    return found


def factor_of(name: str) -> Factor:
    """The factor that a field's name speaks of; what they look for where it speaks of none."""
    plain = re.sub(r"[^a-z0-9]+", " ", name.casefold())
    return next((factor for factor, words in _FACTOR_WORDS if re.search(words, plain)), "property_match")


def _common(values: Iterable[str | None]) -> list[str]:
    counts = Counter(value.strip() for value in values if value and value.strip())
    return [value for value, count in counts.most_common(LEVELS_AT_MOST) if count >= LEAST_LEADS]


def _last_of_each(rows: Rows) -> Iterator[int]:
    _, last = np.unique(rows.lead[::-1], return_index=True)
    return (len(rows) - 1 - int(index) for index in last)


def _won(event: int) -> float:
    return float("nan") if event == OPEN else float(event == CONVERTED)
