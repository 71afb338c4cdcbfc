"""What was learned about telling people apart, with its card; written to and read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.em import PairKind
from porchlight.intelligence.identity.keys import Key, Part
from porchlight.intelligence.identity.levels import LEVELS
from porchlight.intelligence.identity.records import Field

Floats = NDArray[np.float64]
_KEPT: Final = 20_000
"""The commonest values of a field that a stored model still knows by name."""


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How common the values of one field are, as parts of 1: `common` by value, `rare` for any that is not in it.

    `repeat` is the chance that two records drawn at random have the same value.
    """

    common: dict[str, float]
    rare: float
    repeat: float


@dataclass(frozen=True, slots=True)
class BlockingKey:
    """A key that was chosen: how many pairs it makes and which part of the likely matches it finds, by itself."""

    key: Key
    pairs: int
    finds: float


@dataclass(frozen=True, slots=True)
class Card:
    """What a model was learned from and what it must not be used for. `recall` is that of the blocking, estimated."""

    records: int
    block_pairs: int
    random_pairs: int
    matches: float
    rounds: int
    recall: float
    caution: str = (
        "Learned without labels from one table: valid for records like these. A probability is one that two records "
        "are the same person's, nothing else about that person; never decide credit, housing or price by it."
    )


@dataclass(frozen=True, slots=True)
class Model:
    """What tells matches from others. `kinds` begin with the matches and end with the strangers."""

    fields: tuple[Field, ...]
    kinds: tuple[PairKind, ...]
    frequencies: tuple[Frequencies, ...]
    keys: tuple[BlockingKey, ...]
    largest_block: int
    region: str
    card: Card

    @property
    def prior(self) -> float:
        """The log2 odds of a match against strangers for two records drawn at random."""
        return float(np.log2(self.kinds[0].share / self.kinds[-1].share))


def weights(model: Model, kind: int) -> list[Floats | None]:
    """For each field log2 of how much likelier each level is in `kind` than among strangers.

    The last entry, of the level -1 (missing), is 0: what is missing says nothing. None where the kind is as strangers.
    """
    return [
        None if own is None or other is None else np.append(np.log2(own / other), 0.0)
        for own, other in zip(model.kinds[kind].levels, model.kinds[-1].levels, strict=True)
    ]


def to_json(model: Model) -> dict[str, Any]:
    """Plain objects, numbers and texts; `from_json` makes a model of them again.

    Of very many values of a field only the commonest are kept; the others then count as seen once.
    """
    return {
        "version": 1,
        "fields": [asdict(field) for field in model.fields],
        "levels": [[level.name for level in LEVELS[field.aspect]] for field in model.fields],
        "kinds": [
            {
                "name": kind.name,
                "share": kind.share,
                "levels": [None if of is None else of.tolist() for of in kind.levels],
            }
            for kind in model.kinds
        ],
        "frequencies": [
            {"common": dict(list(of.common.items())[:_KEPT]), "rare": of.rare, "repeat": of.repeat}
            for of in model.frequencies
        ],
        "keys": [asdict(key) for key in model.keys],
        "largest_block": model.largest_block,
        "region": model.region,
        "card": asdict(model.card),
    }


def from_json(stored: Mapping[str, Any]) -> Model:
    """The model that `to_json` wrote; raises ValueError where its levels are no longer those that are measured."""
    fields = tuple(Field(**{**field, "sources": tuple(field["sources"])}) for field in stored["fields"])
    if stored["levels"] != [[level.name for level in LEVELS[field.aspect]] for field in fields]:
        raise ValueError("The model was learned with other levels of agreement: learn it again")
    return Model(
        fields,
        tuple(
            PairKind(
                kind["name"],
                kind["share"],
                tuple(None if of is None else np.array(of, np.float64) for of in kind["levels"]),
            )
            for kind in stored["kinds"]
        ),
        tuple(Frequencies(**of) for of in stored["frequencies"]),
        tuple(
            BlockingKey(tuple(Part(**part) for part in key["key"]), key["pairs"], key["finds"])
            for key in stored["keys"]
        ),
        stored["largest_block"],
        stored["region"],
        Card(**stored["card"]),
    )
