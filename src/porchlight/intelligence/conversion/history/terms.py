"""What stands beside a lead's facts and may matter to one team only: their sources, their agent, their own fields.

Each field becomes indicator columns whose weights are held near zero, so that a value has to earn its influence. A
field that is, or stands in for, a protected class never enters, and neither does one that looks filled in after the
outcome: the same guards as for tables.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import numpy as np

from porchlight.intelligence.conversion.features import FACTORS, Factor
from porchlight.intelligence.conversion.forecast import Other
from porchlight.intelligence.conversion.history.landmarks import Floats, Rows

Kind = Literal["source", "owner", "custom"]

COLUMNS_AT_MOST: Final = 200


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
