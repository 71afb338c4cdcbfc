from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

SOURCES = ("Referral", "Website", "Portal", "Open house")
_EFFECTS = np.array([1.2, 0.0, -0.8, 0.2])

Export = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def export() -> Export:
    """Makes an export as text, in time order: source and minutes say who wins, nothing else does."""

    def make(rows: int = 600, seed: int = 1, signal: float = 1.0) -> pl.DataFrame:
        dice = np.random.default_rng(seed)
        source = dice.integers(0, len(SOURCES), rows)
        minutes = dice.exponential(10.0, rows)
        odds = -0.6 + signal * (_EFFECTS[source] + 0.12 * (minutes - 10.0))
        won = dice.random(rows) < expit(odds)
        budget = dice.lognormal(13.0, 0.5, rows)
        return pl.DataFrame(
            {
                "Lead Number": [str(5000 + 3 * row) for row in range(rows)],
                "Source": [SOURCES[place] for place in source],
                "Minutes": [f"{value:.1f}" for value in minutes],
                "Budget": ["Select" if row % 5 == 0 else f"${value:,.0f}" for row, value in enumerate(budget)],
                "Campaign": ["spring"] * rows,
                "Outcome": ["Won" if w else "Lost" for w in won],
            }
        )

    return make
