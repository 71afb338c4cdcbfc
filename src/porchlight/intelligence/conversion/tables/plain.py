"""The reference a learned model stands beside: plain logistic regression, as anybody would fit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit

from porchlight.intelligence.conversion.fitting import logistic
from porchlight.intelligence.conversion.tables.encoding import NumberCode, encode, learn_codes
from porchlight.intelligence.tables.kinds import Column

Floats = npt.NDArray[np.float64]

_ROWS: Final = 40_000
_PENALTY: Final = 1.0


def plain_probabilities(inner: pl.DataFrame, outer: pl.DataFrame, columns: Sequence[Column], won: Floats) -> Floats:
    """Probabilities (n,) for `outer` from standardised numbers and marked answers, with a ridge of 1 and no choices."""
    if inner.height > _ROWS:
        taken = np.linspace(0, inner.height - 1, _ROWS).astype(np.int64)
        inner, won = inner[taken], won[taken]
    codes = learn_codes(inner, columns)
    kept: list[int] = []
    at = 0
    for code in codes:
        width = len(code.means)
        bends = len(code.knots) + (code.spike is not None) if isinstance(code, NumberCode) else 0
        kept += [at, *range(at + 1 + bends, at + width)] if isinstance(code, NumberCode) else range(at, at + width)
        at += width
    inside, outside = (
        np.column_stack([np.ones(frame.height), encode(frame, codes).linear[:, kept]]) for frame in (inner, outer)
    )
    precision = np.concatenate([[0.0], np.full(len(kept), _PENALTY)])
    found = logistic.fit(inside, won, precision=precision)
    return np.asarray(expit(outside @ found.coefficients), dtype=np.float64)
