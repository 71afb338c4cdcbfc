"""Agreement on a rare value says more than on a common one: Winkler, “Frequency-based Matching in Fellegi–Sunter Model
of Record Linkage”, 2000."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.model import Frequencies
from porchlight.intelligence.identity.records import Field, Records

Floats = NDArray[np.float64]


def frequencies(records: Records, field: Field) -> Frequencies:
    """How common each value of `field` is. Values seen once are not kept: they are as rare as one not seen yet."""
    codes = records.codes[field.name]
    counts = np.bincount(codes[codes >= 0], minlength=len(records.words[field.vocabulary]))
    total = max(int(counts.sum()), 1)
    common = np.flatnonzero(counts > 1)
    common = common[np.argsort(-counts[common], kind="stable")]
    parts = counts / total
    return Frequencies(
        dict(zip(records.words[field.vocabulary][common].tolist(), parts[common].tolist(), strict=True)),
        1.0 / total,
        max(float(parts @ parts), 1.0 / total),
    )


@dataclass(frozen=True, slots=True)
class Rarity:
    """For each value of a vocabulary the bits that sharing it adds to those of sharing any: in the same field, and
    with one value in the partner's."""

    same: Floats
    crossed: Floats


def rarities(records: Records, fields: Sequence[Field], of: Sequence[Frequencies]) -> list[Rarity]:
    """The rarity of the values of each field, in the order of `fields`."""
    by_name = dict(zip((field.name for field in fields), of, strict=True))
    parts = {field.name: _parts(records.words[field.vocabulary], by_name[field.name]) for field in fields}
    found = []
    for field in fields:
        repeat, own = by_name[field.name].repeat, parts[field.name]
        either = own if field.partner is None else np.maximum(own, parts[field.partner])
        found.append(Rarity(np.log2(repeat / own), np.log2(repeat / either)))
    return found


def _parts(words: NDArray[np.object_], of: Frequencies) -> Floats:
    return np.array(list(map(of.common.get, words.tolist(), repeat(of.rare))), np.float64)
