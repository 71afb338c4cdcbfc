"""The match weight of pairs: how many bits of evidence they bring, field by field and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.compare import Agreement, Rows, compare_field
from porchlight.intelligence.identity.frequency import Rarity, rarities
from porchlight.intelligence.identity.levels import CROSSED, EXACT
from porchlight.intelligence.identity.model import Model, weights
from porchlight.intelligence.identity.records import Field, Records

Floats = NDArray[np.float64]
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model set up for one table: its weights by level, those of the kinds that share things, and rarities."""

    model: Model
    records: Records
    match: list[Floats]
    others: list[tuple[float, list[Floats | None]]]
    rarity: list[Rarity]


@dataclass(frozen=True, slots=True)
class Evidence:
    """For some pairs the agreement and the weight of every field in bits, and what is taken off for shared things.

    `shared` is 0 or less: as far as the agreement is explained by one household or place, it speaks for no match.
    """

    agreements: list[Agreement]
    weights: list[Floats]
    shared: Floats
    log_odds: Floats

    def of_pair(self, number: int) -> Evidence:
        """That of one of the pairs alone."""
        one = slice(number, number + 1)
        return Evidence(
            [Agreement(found.level[one], found.shared[one]) for found in self.agreements],
            [weight[one] for weight in self.weights],
            self.shared[one],
            self.log_odds[one],
        )


def scorer(model: Model, records: Records) -> Scorer:
    others = [
        (float(np.log2(kind.share / model.kinds[-1].share)), weights(model, number))
        for number, kind in enumerate(model.kinds)
        if 0 < number < len(model.kinds) - 1
    ]
    match = [of for of in weights(model, 0) if of is not None]
    return Scorer(model, records, match, others, rarities(records, model.fields, model.frequencies))


def evidence(of: Scorer, left: Rows, right: Rows) -> Evidence:
    """All that is to be said of some pairs. Symmetric in `left` and `right`."""
    found = [compare_field(of.records, field, left, right) for field in of.model.fields]
    return _evidence(of, found, [_weight(of, number, agreement) for number, agreement in enumerate(found)])


def promising(of: Scorer, left: Rows, right: Rows, least: float) -> tuple[Rows, Rows, Floats]:
    """The pairs whose log2 odds reach `least`, with them.

    Measuring how alike two texts are costs most. So each pair is first taken at its best (whatever is not the same is
    nearly the same), and what cannot reach `least` even so is left out before the next field is measured.
    """
    fields = of.model.fields
    bits = [_at_best(of, number, field, left, right) for number, field in enumerate(fields)]
    found: dict[int, Agreement] = {}
    # Fields that can say the most against a match send away the most pairs.
    for number in sorted(range(len(fields)), key=lambda field: float(of.match[field].min())):
        kept = _sum(bits, of.model.prior) >= least - _ROUNDING
        if not kept.all():
            left, right = left[kept], right[kept]
            bits = [weight[kept] for weight in bits]
            found = {n: Agreement(one.level[kept], one.shared[kept]) for n, one in found.items()}
        found[number] = compare_field(of.records, fields[number], left, right)
        bits[number] = _weight(of, number, found[number])
    total = _evidence(of, [found[number] for number in range(len(fields))], bits).log_odds
    kept = total >= least
    return left[kept], right[kept], total[kept]


def _evidence(of: Scorer, found: list[Agreement], bits: list[Floats]) -> Evidence:
    shared = np.zeros(len(bits[0]))
    for share, by_field in of.others:
        alike = np.full(len(shared), share)
        for number, table in enumerate(by_field):
            if table is not None:
                alike += _bits(of, number, found[number], table)
        shared += np.exp2(np.minimum(alike, 500.0))
    taken = -np.log2(1.0 + shared)
    return Evidence(found, bits, taken, _sum([*bits, taken], of.model.prior))


def _sum(bits: Sequence[Floats], prior: float) -> Floats:
    """Everything together, always added in one order: another would round differently."""
    total = np.full(len(bits[0]), prior)
    for weight in bits:
        total += weight
    return total


def _at_best(of: Scorer, number: int, field: Field, left: Rows, right: Rows) -> Floats:
    """No less than the weight of the field, from whether the two values are the same alone."""
    codes = of.records.codes[field.name]
    a, b = codes[left], codes[right]
    table, rarity = of.match[number], of.rarity[number]
    near = table[EXACT + 1 : -1].max() if field.partner is None else table[CROSSED + 1 : -1].max()
    bound = np.where((a < 0) | (b < 0), 0.0, near)
    same = (a == b) & (a >= 0)
    bound[same] = table[EXACT] + rarity.same[a[same]]
    if field.partner is not None:
        other = of.records.codes[field.partner]
        crossed = (((a == other[right]) & (a >= 0)) | ((b == other[left]) & (b >= 0))) & ~same
        bound[crossed] = np.maximum(bound[crossed], table[CROSSED] + rarity.crossed.max(initial=0.0))
    return bound


def _weight(of: Scorer, number: int, agreement: Agreement) -> Floats:
    return _bits(of, number, agreement, of.match[number])


def _bits(of: Scorer, number: int, agreement: Agreement, table: Floats) -> Floats:
    weight = table[agreement.level]
    rarity = of.rarity[number]
    for level, more in ((EXACT, rarity.same), (CROSSED, rarity.crossed)):
        shared = (agreement.level == level) & (agreement.shared >= 0)
        weight[shared] += more[agreement.shared[shared]]
    return weight
