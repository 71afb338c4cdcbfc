"""At the door: one newcomer against everybody who is known, in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from porchlight.intelligence.identity.em import probability
from porchlight.intelligence.identity.explain import Step, waterfall
from porchlight.intelligence.identity.keys import NO_KEY, Hashes, combine, part_hashes
from porchlight.intelligence.identity.model import Model
from porchlight.intelligence.identity.records import Records, prepare
from porchlight.intelligence.identity.score import evidence, scorer

Record = Mapping[str, str | None]
"""A person's cells by the names of the model's columns; what is missing may be left out."""

_MOST_CANDIDATES: Final = 200


@dataclass(frozen=True, slots=True)
class Likeness:
    """How likely a candidate is the newcomer, and why. `log_odds` is in bits; the steps add up to it."""

    probability: float
    log_odds: float
    steps: tuple[Step, ...]


def blocking_keys(model: Model, record: Record) -> list[int]:
    """The numbers (64 bits, signed as a bigint) that `record` is filed under, in the order of the model's keys.

    Two records can be the same person's only if they share one. A key with a missing part gives none. A number that
    `model.largest_block` or more records have says nothing and is to be passed over.
    """
    hashes = _key_hashes(model, prepare(_table(model, [record]), model.fields, model.region))
    return [int(numbers.view(np.int64)[0]) for numbers in hashes if numbers[0] != NO_KEY]


def compare_one(model: Model, newcomer: Record, candidates: Sequence[Record]) -> list[Likeness]:
    """The newcomer beside each candidate, in their order. Compared the other way round, it is the same."""
    if not candidates:
        return []
    records = prepare(_table(model, [newcomer, *candidates]), model.fields, model.region)
    of = scorer(model, records)
    found = []
    whole = evidence(of, np.zeros(len(candidates), np.int64), np.arange(1, len(candidates) + 1))
    for number in range(len(candidates)):
        one = whole.of_pair(number)
        odds = float(one.log_odds[0])
        steps = waterfall(of, 0, number + 1, one)
        found.append(Likeness(float(probability(one.log_odds)[0]), odds, tuple(steps)))
    return found


@dataclass(frozen=True, slots=True)
class Index:
    """Who is filed under which number: for each key of the model its numbers in order, and the rows they belong to."""

    model: Model
    numbers: tuple[Hashes, ...]
    rows: tuple[NDArray[np.int32], ...]


def index(model: Model, table: pl.DataFrame) -> Index:
    """`table` (text columns) filed under the keys of `model`."""
    numbers, rows = [], []
    for hashes in _key_hashes(model, prepare(table, model.fields, model.region)):
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        order = order[hashes[order] != NO_KEY]
        numbers.append(hashes[order])
        rows.append(order)
    return Index(model, tuple(numbers), tuple(rows))


def candidates(of: Index, newcomer: Record) -> list[int]:
    """The rows that share a key with `newcomer`, those of the rarest keys first, at most 200."""
    hashes = _key_hashes(of.model, prepare(_table(of.model, [newcomer]), of.model.fields, of.model.region))
    blocks = []
    for wanted, numbers, rows in zip(hashes, of.numbers, of.rows, strict=True):
        if wanted[0] != NO_KEY:
            first, last = np.searchsorted(numbers, wanted[0], "left"), np.searchsorted(numbers, wanted[0], "right")
            if 0 < last - first < of.model.largest_block:
                blocks.append(rows[first:last].tolist())
    found = dict.fromkeys(row for block in sorted(blocks, key=len) for row in block)
    return list(found)[:_MOST_CANDIDATES]


def _table(model: Model, records: Sequence[Record]) -> pl.DataFrame:
    columns = dict.fromkeys(column for field in model.fields for column in field.sources)
    return pl.DataFrame(
        {column: [record.get(column) for record in records] for column in columns},
        schema=dict.fromkeys(columns, pl.String),
    )


def _key_hashes(model: Model, records: Records) -> list[Hashes]:
    parts = {part for key in model.keys for part in key.key}
    hashes = {part: part_hashes(records, model.fields, part, lasting=True) for part in parts}
    return [combine([hashes[part] for part in key.key]) for key in model.keys]
