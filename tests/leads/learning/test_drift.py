"""Drift is said where it is, and not where chance alone would show as much."""

from __future__ import annotations

import numpy as np

from porchlight.leads.learning.drift import drift

NAMES = tuple(f"input-{n}" for n in range(30))


def inputs(seed: int, rows: int) -> np.ndarray:
    values = np.random.default_rng(seed).beta(0.5, 3, (rows, len(NAMES)))
    values[values < 0.02] = 0.0
    values[:, 5][values[:, 5] > 0.4] = np.nan
    return values


def test_what_has_not_changed_is_steady_whatever_the_size() -> None:
    moved = 0
    for seed, size in enumerate((40, 100, 300, 1_000, 5_000) * 4):
        found = drift(inputs(seed, 4 * size), inputs(seed + 1_000, size), NAMES, 4 * size, size)
        moved += any(one.moved != "steady" for one in found)
    assert moved <= 1


def test_what_has_changed_comes_first_with_both_means() -> None:
    now = inputs(2, 2_000)
    now[:, 7] = np.sqrt(now[:, 7])
    now[:, 5] = np.nan
    found = drift(inputs(1, 8_000), now, NAMES, 8_000, 2_000)
    assert {one.name for one in found if one.moved != "steady"} == {"input-5", "input-7"}
    assert {one.name for one in found[:2]} == {"input-5", "input-7"}
    grown = next(one for one in found if one.name == "input-7")
    assert grown.now > grown.before
    assert grown.moved == "much"


def test_repeated_rows_of_few_leads_are_not_taken_for_drift() -> None:
    before, now = np.repeat(inputs(1, 60), 20, axis=0), np.repeat(inputs(2, 30), 20, axis=0)
    assert all(one.moved == "steady" for one in drift(before, now, NAMES, 60, 30))


def test_a_column_without_any_value_is_steady() -> None:
    nothing = np.full((50, 1), np.nan)
    [found] = drift(nothing, nothing, ["supply"], 50, 50)
    assert (found.moved, found.psi) == ("steady", 0.0)
