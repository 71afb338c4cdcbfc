"""Which of a team's sources, agents and own fields may enter a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from porchlight.intelligence.conversion.features import Factor
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, OPEN, Floats, Rows
from porchlight.intelligence.conversion.history.terms import COLUMNS_AT_MOST, Term, as_number, mark_of
from porchlight.intelligence.conversion.tables.fairness import guard
from porchlight.intelligence.conversion.tables.leaks import signs, verdict
from porchlight.intelligence.tables.kinds import describe, typed

LEAST_LEADS: Final = 8
"""Of how many leads a value must be before it gets a weight of its own."""
LEVELS_AT_MOST: Final = 20
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
