"""What was learned about telling people apart, with its card; written to and read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
    random_pairs: int
    compared_pairs: int
    matches: float
    rounds: int
    recall: float
    caution: str = (
        "Learned without labels from one table: valid for records like these. A probability is one that two records "
        "are the same person's, nothing else about that person; never decide credit, housing or price by it."
    )


@dataclass(frozen=True, slots=True)
class Model:
    """`weights[f][level]` is log2(m / u) of field `f`; the last entry, of the level -1 (missing), is 0.

    `prior` is the log2 odds that two records drawn at random are the same person's.
    """

    fields: tuple[Field, ...]
    weights: tuple[Floats, ...]
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    frequencies: tuple[Frequencies, ...]
    prior: float
    keys: tuple[BlockingKey, ...]
    largest_block: int
    region: str
    card: Card


def to_json(model: Model) -> dict[str, Any]:
    """Plain objects, numbers and texts; `from_json` makes the same model of them again."""
    return {
        "version": 1,
        "fields": [asdict(field) for field in model.fields],
        "levels": [[level.name for level in LEVELS[field.aspect]] for field in model.fields],
        "m": [array.tolist() for array in model.m],
        "u": [array.tolist() for array in model.u],
        "frequencies": [
            {"common": dict(list(of.common.items())[:_KEPT]), "rare": of.rare, "repeat": of.repeat}
            for of in model.frequencies
        ],
        "prior": model.prior,
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
    m, u = (tuple(np.array(row, np.float64) for row in stored[name]) for name in ("m", "u"))
    return Model(
        fields,
        weights_of(m, u),
        m,
        u,
        tuple(Frequencies(**of) for of in stored["frequencies"]),
        stored["prior"],
        tuple(
            BlockingKey(tuple(Part(**part) for part in key["key"]), key["pairs"], key["finds"])
            for key in stored["keys"]
        ),
        stored["largest_block"],
        stored["region"],
        Card(**stored["card"]),
    )


def weights_of(m: tuple[Floats, ...], u: tuple[Floats, ...]) -> tuple[Floats, ...]:
    return tuple(np.append(np.log2(of_m / of_u), 0.0) for of_m, of_u in zip(m, u, strict=True))
