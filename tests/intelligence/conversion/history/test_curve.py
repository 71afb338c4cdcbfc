from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion.features import FEATURES
from porchlight.intelligence.conversion.history.curve import (
    LAST_DAY,
    PRIOR_SHAPE,
    curve_of,
    learned_shape,
    shape_from_json,
    shape_to_json,
)
from porchlight.intelligence.conversion.history.landmarks import Rows

NEW = (None,) * len(FEATURES)
PIPELINE = [feature.name for feature in FEATURES].index("pipeline")
DEAL = (*NEW[:PIPELINE], 0.9, *NEW[PIPELINE + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-6, 0.999), st.floats(1e-4, 0.5), st.sampled_from([NEW, DEAL]))
def test_the_curve_never_falls_and_passes_through_the_probability(
    probability: float, base: float, values: tuple[float | None, ...]
) -> None:
    curve = curve_of(PRIOR_SHAPE, probability, base, values)
    assert curve.within[90] == probability
    assert curve.converted[0] == curve.lost[0] == 0.0
    assert (np.diff(curve.converted) >= 0.0).all()
    assert (np.diff(curve.lost) >= -1e-15).all()
    assert curve.within[7] <= curve.within[30] <= curve.within[90] <= curve.converted[LAST_DAY]
    assert (curve.converted + curve.lost <= 1.0 + 1e-9).all()


def test_a_likelier_lead_is_above_on_every_day() -> None:
    low, high = (curve_of(PRIOR_SHAPE, p, 0.01, NEW) for p in (0.02, 0.2))
    assert (high.converted[1:] > low.converted[1:]).all()
    assert high.lost_within[90] < low.lost_within[90]


def test_no_date_is_named_for_a_lead_that_will_hardly_convert() -> None:
    assert curve_of(PRIOR_SHAPE, 0.01, 0.006, NEW).expected is None


def test_the_expected_date_lies_in_its_interval_and_is_nearer_with_a_deal_under_way() -> None:
    expected, deal = (curve_of(PRIOR_SHAPE, 0.5, 0.006, values).expected for values in (NEW, DEAL))
    assert expected is not None
    assert deal is not None
    assert 0 < expected.low < expected.days < expected.high <= LAST_DAY
    assert deal.days < expected.days
    middle, low, high = expected.dates(1_700_000_000.0)
    assert datetime(2023, 11, 14, tzinfo=UTC) < low < middle < high


def test_the_curve_is_scored_against_what_happened(rows: Rows) -> None:
    """In the made-up world deals close 5 to 80 days after the capture, so nothing is left after 90 days."""
    shape = learned_shape(rows, np.zeros(len(rows)))
    learned, prior = (curve_of(one, 0.3, 0.3, NEW) for one in (shape, PRIOR_SHAPE))
    late = learned.converted[LAST_DAY] - learned.converted[90]
    assert late < 0.25 * (prior.converted[LAST_DAY] - prior.converted[90])
    assert learned.within[30] > prior.within[30]
    assert learned.lost_within[90] > 0.5


def test_without_rows_the_shape_is_the_prior_s(rows: Rows) -> None:
    nobody = rows.take(np.zeros(len(rows), dtype=bool))
    shape = learned_shape(nobody, np.zeros(0))
    for name in ("converted", "lost", "deal_converted", "deal_lost"):
        assert getattr(shape, name) == pytest.approx(getattr(PRIOR_SHAPE, name))
    assert shape.lost_slope == pytest.approx(PRIOR_SHAPE.lost_slope)


def test_a_shape_comes_back_from_json_and_a_spoiled_one_is_refused() -> None:
    document = shape_to_json(PRIOR_SHAPE)
    assert shape_from_json(document) == PRIOR_SHAPE
    with pytest.raises(ValueError, match="out of bounds"):
        shape_from_json(document | {"lost": [-1.0] * 10})
    with pytest.raises(ValueError, match="out of bounds"):
        shape_from_json(document | {"lost_slope": 99.0})
