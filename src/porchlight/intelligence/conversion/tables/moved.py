"""What moved the forecasts: how much each column adds, and which of its answers or ranges add it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.tables.card import Level, Moved
from porchlight.intelligence.conversion.tables.encoding import MISSING, OTHER, CategoryCode, Code, NumberCode, read

Floats = npt.NDArray[np.float64]

_MOVED: Final = 12
_LEVELS: Final = 8
_RANGES: Final = 5


def moved(codes: Sequence[Code], frame: pl.DataFrame, parts: Floats) -> list[Moved]:
    """The columns that move forecasts most, by `parts` (n, codes) in log-odds of the rows of a typed frame."""
    strength = np.abs(parts).mean(axis=0) if len(parts) else np.zeros(len(codes))
    order = [place for place in np.argsort(-strength)[:_MOVED] if strength[place] > 0.0]
    return [
        Moved(
            column=codes[place].feature.name,
            strength=float(strength[place]),
            levels=_levels(codes[place], read(frame, codes[place].feature), parts[:, place]),
        )
        for place in order
    ]


def _levels(code: Code, values: pl.Series, part: Floats) -> list[Level]:
    labels = _ranges(values) if isinstance(code, NumberCode) else _answers(values, code)
    by_label = (
        pl.DataFrame({"label": labels, "part": part})
        .group_by("label")
        .agg(pl.len().alias("rows"), pl.col("part").mean())
        .sort("rows", "label", descending=[True, False])
        .head(_LEVELS)
        .sort("part", descending=True)
    )
    return [Level(label=label, rows=rows, log_odds=added) for label, rows, added in by_label.iter_rows()]


def _answers(values: pl.Series, code: CategoryCode) -> pl.Series:
    known = pl.Series(code.levels, dtype=pl.String)
    return values.replace_strict(known, known, default=OTHER).set(values.is_null(), MISSING)


def _ranges(values: pl.Series) -> pl.Series:
    numbers = values.to_numpy().astype(np.float64)
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _RANGES + 1)))
    names = [f"{low:,.6g} to {high:,.6g}" for low, high in pairwise(edges)] or [f"{edges[0]:,g}"]
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(names) - 1)
    return pl.Series([MISSING if gap else names[k] for gap, k in zip(np.isnan(numbers), place, strict=True)])
