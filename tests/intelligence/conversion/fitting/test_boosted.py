from __future__ import annotations

import numpy as np
import pytest

from porchlight.intelligence.conversion.fitting import boosted
from porchlight.intelligence.evaluation.binary import auc

_SMALL = boosted.Settings(rounds=30, learning_rate=0.2, leaf_rows=10, columns_part=1.0)


def _rows(rows: int = 800) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(5)
    x = dice.normal(size=(rows, 3))
    x[::17, 0] = np.nan
    return x, (dice.random(rows) < 0.1 + 0.8 * ((x[:, 1] > 0) & (x[:, 2] > 0))).astype(float)


def test_trees_find_what_only_two_columns_together_tell() -> None:
    x, y = _rows()
    model = boosted.fit(x[:600], y[:600], settings=_SMALL, offset=np.zeros(600))
    assert auc(y[600:], boosted.predict(model, x[600:])) > 0.65


def test_contributions_add_up_to_the_forecast() -> None:
    x, y = _rows()
    model = boosted.fit(x, y, settings=_SMALL, offset=np.zeros(len(y)))
    assert boosted.contributions(model, x).sum(axis=1) == pytest.approx(boosted.predict(model, x), abs=1e-9)


def test_a_column_without_influence_is_never_split_on() -> None:
    x, y = _rows()
    model = boosted.fit(x, y, settings=_SMALL, offset=np.zeros(len(y)), influence=[1.0, 0.0, 1.0])
    assert not boosted.contributions(model, x)[:, 1].any()


def test_the_curve_over_rounds_ends_at_the_forecast() -> None:
    x, y = _rows()
    model = boosted.fit(x, y, settings=_SMALL, offset=np.zeros(len(y)))
    curve = dict(boosted.rounds_curve(x, y, x[:50], settings=_SMALL, at=(10, 30), offset=np.zeros(len(y))))
    assert curve[30] == pytest.approx(boosted.predict(model, x[:50]), abs=1e-9)
    assert not np.allclose(curve[10], curve[30])


def test_a_text_that_is_no_model_does_not_fit() -> None:
    x, y = _rows(200)
    model = boosted.fit(x, y, settings=_SMALL, offset=np.zeros(len(y)))
    assert boosted.fits(model, 3)
    assert not boosted.fits(model, 4)
    assert not boosted.fits(boosted.Boosted(("tree\nnonsense",)), 3)
