"""The match weight of pairs: how many bits of evidence they bring, field by field and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.compare import Agreement, Rows, compare_field
from porchlight.intelligence.identity.frequency import Rarity, rarities
from porchlight.intelligence.identity.levels import CROSSED, EXACT
from porchlight.intelligence.identity.model import Model
from porchlight.intelligence.identity.records import Field, Records

Floats = NDArray[np.float64]
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model set up for one table."""

    model: Model
    records: Records
    rarity: list[Rarity]


def scorer(model: Model, records: Records) -> Scorer:
    return Scorer(model, records, rarities(records, model.fields, model.frequencies))


def field_weights(of: Scorer, left: Rows, right: Rows) -> list[tuple[Agreement, Floats]]:
    """For every field the agreement of each pair and its weight in bits."""
    found = []
    for number, field in enumerate(of.model.fields):
        agreement = compare_field(of.records, field, left, right)
        found.append((agreement, _weight(of, number, agreement)))
    return found


def log_odds(of: Scorer, left: Rows, right: Rows) -> Floats:
    """log2 odds of every pair that its rows are the same person's."""
    return total_of([weight for _, weight in field_weights(of, left, right)], of.model.prior)


def total_of(weights: Sequence[Floats], prior: float) -> Floats:
    """The fields' weights and the prior together, always added in one order: another would round differently."""
    total = np.full(len(weights[0]), prior)
    for weight in weights:
        total += weight
    return total


def promising(of: Scorer, left: Rows, right: Rows, least: float) -> tuple[Rows, Rows, Floats]:
    """The pairs whose log2 odds reach `least`, with them.

    Measuring how alike two texts are costs most. So each pair is first taken at its best (whatever is not the same is
    nearly the same), and what cannot reach `least` even so is left out before the next field is measured.
    """
    fields = of.model.fields
    weights = [_at_best(of, number, field, left, right) for number, field in enumerate(fields)]
    # Fields that can say the most against a match send away the most pairs.
    for number in sorted(range(len(fields)), key=lambda f: float(of.model.weights[f].min())):
        kept = total_of(weights, of.model.prior) >= least - _ROUNDING
        if not kept.all():
            left, right = left[kept], right[kept]
            weights = [weight[kept] for weight in weights]
        weights[number] = _weight(of, number, compare_field(of.records, fields[number], left, right))
    total = total_of(weights, of.model.prior)
    kept = total >= least
    return left[kept], right[kept], total[kept]


def _at_best(of: Scorer, number: int, field: Field, left: Rows, right: Rows) -> Floats:
    """No less than the weight of the field, from whether the two values are the same alone."""
    codes = of.records.codes[field.name]
    a, b = codes[left], codes[right]
    weights = of.model.weights[number]
    near = weights[EXACT + 1 : -1].max() if field.partner is None else weights[CROSSED + 1 : -1].max()
    bound = np.where((a < 0) | (b < 0), 0.0, near)
    same = (a == b) & (a >= 0)
    rarity = of.rarity[number]
    bound[same] = weights[EXACT] + rarity.same[a[same]]
    if field.partner is not None:
        other = of.records.codes[field.partner]
        crossed = (((a == other[right]) & (a >= 0)) | ((b == other[left]) & (b >= 0))) & ~same
        bound[crossed] = np.maximum(bound[crossed], weights[CROSSED] + rarity.crossed.max(initial=0.0))
    return bound


def _weight(of: Scorer, number: int, agreement: Agreement) -> Floats:
    weight = of.model.weights[number][agreement.level]
    rarity = of.rarity[number]
    for level, bits in ((EXACT, rarity.same), (CROSSED, rarity.crossed)):
        shared = (agreement.level == level) & (agreement.shared >= 0)
        weight[shared] += bits[agreement.shared[shared]]
    return weight
