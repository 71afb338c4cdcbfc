from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from porchlight.intelligence.conversion.fitting import logistic


def _data(rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dice = np.random.default_rng(3)
    truth = np.array([-0.5, 1.0, -2.0])
    x = np.column_stack([np.ones(rows), dice.normal(size=(rows, 2))])
    return x, (dice.random(rows) < expit(x @ truth)).astype(float), truth


def test_with_a_flat_prior_it_finds_the_truth_within_its_own_errors() -> None:
    x, y, truth = _data()
    found = logistic.fit(x, y, precision=np.zeros(3))
    assert found.converged
    assert np.all(np.abs(found.coefficients - truth) < 4.0 * np.sqrt(np.diag(found.covariance)))


def test_an_endless_precision_leaves_the_prior_as_it_is() -> None:
    x, y, _ = _data(200)
    centre = np.array([0.1, 0.2, 0.3])
    found = logistic.fit(x, y, centre=centre, precision=np.full(3, 1e9))
    assert found.coefficients == pytest.approx(centre, abs=1e-4)


def test_an_offset_takes_the_place_of_what_it_holds() -> None:
    x, y, truth = _data()
    found = logistic.fit(x[:, :2], y, precision=np.zeros(2), offset=x[:, 2] * truth[2])
    assert found.coefficients == pytest.approx(truth[:2], abs=0.2)


def test_a_weight_of_two_counts_a_row_twice() -> None:
    x, y, _ = _data(300)
    doubled = logistic.fit(np.repeat(x, 2, axis=0), np.repeat(y, 2), precision=np.ones(3))
    weighted = logistic.fit(x, y, precision=np.ones(3), weights=np.full(300, 2.0))
    assert weighted.coefficients == pytest.approx(doubled.coefficients, abs=1e-6)


def test_classes_that_a_line_separates_get_finite_coefficients() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    found = logistic.fit(x, (np.arange(20) > 9).astype(float), precision=np.array([0.0, 1.0]))
    assert np.isfinite(found.coefficients).all()
