from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion.tables.learning import Learned, learn_outcome
from porchlight.intelligence.conversion.tables.outcome_model import from_json, predict_outcome, to_json
from porchlight.intelligence.evaluation.binary import auc
from porchlight.intelligence.tables.errors import TableUnfitError

Export = Callable[..., pl.DataFrame]

_ADDED = re.compile(r" ([+-]\d+\.\d{4})(?:;|$)")


@pytest.fixture(scope="module")
def rows(export: Export) -> pl.DataFrame:
    return export(900)


@pytest.fixture(scope="module")
def learned(rows: pl.DataFrame) -> Learned:
    return learn_outcome(rows, outcome="Outcome", group="Source", exclude=["Budget"])


@pytest.fixture(scope="module")
def plain(rows: pl.DataFrame) -> Learned:
    return learn_outcome(rows, outcome="Outcome")


def test_it_learns_what_is_there(plain: Learned, export: Export) -> None:
    later = export(600, seed=2)
    found = predict_outcome(plain.model, later)
    assert auc((later["Outcome"] == "Won").to_numpy().astype(float), found["probability"].to_numpy()) > 0.72
    assert plain.card["verdict"]["trust"] in ("yes", "with_care")
    assert {moved["column"] for moved in plain.card["moved"][:2]} == {"Source", "Minutes"}


def test_the_card_stands_beside_the_base_rate_and_a_plain_regression(plain: Learned) -> None:
    measures = {measure["name"]: measure for measure in plain.card["measures"]}
    assert set(measures) == {"auc", "log_loss", "brier", "ece", "lift"}
    loss = measures["log_loss"]
    assert loss["plain"] is not None
    assert loss["base"] is not None
    assert loss["model"]["value"] < loss["base"]["value"]
    assert loss["model"]["low"] is not None
    assert loss["model"]["low"] < loss["model"]["value"] < (loss["model"]["high"] or 0.0)
    assert plain.card["learned_from"]["unseen_rows"] == 225
    json.dumps(plain.card, allow_nan=False)


def test_reasons_add_up_to_the_score_to_the_last_digit(plain: Learned, rows: pl.DataFrame) -> None:
    found = predict_outcome(plain.model, rows)
    for reasons, log_odds, score in found.select("reasons", "log_odds", "score").iter_rows():
        total = round(sum(float(added) for added in _ADDED.findall(reasons)), 4)
        assert total == log_odds
        assert score == pytest.approx(100.0 / (1.0 + np.exp(-total)), abs=1e-9)


def test_grades_follow_the_odds_against_the_tables_base(plain: Learned, rows: pl.DataFrame) -> None:
    found = predict_outcome(plain.model, rows)
    base = np.exp(plain.model.base)
    times = (found["probability"] / (1 - found["probability"])).to_numpy() / base
    expected = np.where(times >= 4.0, "A", np.where(times >= 1.5, "B", "C"))
    clear = (np.abs(times - 4.0) > 0.01) & (np.abs(times - 1.5) > 0.01)
    assert (found["grade"].to_numpy()[clear] == expected[clear]).all()


def test_rows_are_forecast_in_their_order(plain: Learned, rows: pl.DataFrame) -> None:
    mixed = np.random.default_rng(3).permutation(rows.height)
    assert predict_outcome(plain.model, rows[mixed]).equals(predict_outcome(plain.model, rows)[mixed])


def test_a_model_read_back_says_the_same(plain: Learned, rows: pl.DataFrame) -> None:
    again = from_json(to_json(plain.model))
    assert predict_outcome(again, rows).equals(predict_outcome(plain.model, rows))


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 99},
        {"base": None},
        {"codes": []},
        {"calibration": {"method": "magic"}},
        {"fitted": {"constant": 0.0}},
    ],
)
def test_a_model_of_another_form_is_refused(plain: Learned, damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="model"):
        from_json(json.dumps({**json.loads(to_json(plain.model)), **damage}))


def test_a_column_the_model_needs_is_named_where_it_is_missing(plain: Learned, rows: pl.DataFrame) -> None:
    with pytest.raises(TableUnfitError, match="no column “Source”"):
        predict_outcome(plain.model, rows.drop("Source"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=20))
def test_no_cell_can_break_a_forecast(plain: Learned, cells: list[tuple[str, str, str]]) -> None:
    rows = pl.DataFrame(cells, schema=dict.fromkeys(("Source", "Minutes", "Budget"), pl.String), orient="row")
    found = predict_outcome(plain.model, rows)
    assert found.height == len(cells)
    assert found["probability"].is_between(0.0, 1.0).all()


def test_the_audit_shows_outcome_and_score_by_group(learned: Learned) -> None:
    groups = {group["group"]: group for group in learned.card["groups"]}
    assert set(groups) == {"Referral", "Website", "Portal", "Open house"}
    assert max(group["impact"] for group in groups.values()) == 1.0
    assert "Source" not in {moved["column"] for moved in learned.card["moved"]}
    assert {"column": "Budget", "reason": "asked", "evidence": "Left out as asked."} in learned.card["left_out"]


def test_where_nothing_predicts_it_says_so_and_scores_all_alike(export: Export) -> None:
    noise = export(2500, seed=5, signal=0.0)
    found = learn_outcome(noise, outcome="Outcome")
    assert found.card["verdict"]["trust"] == "no"
    assert "Nothing in this table predicts winning" in found.card["verdict"]["sentence"]
    assert predict_outcome(found.model, noise)["score"].unique().to_list() == [50.0]


def test_a_hundred_rows_of_noise_give_sober_numbers(export: Export) -> None:
    for seed in range(3):
        noise = export(100, seed=seed, signal=0.0)
        found = learn_outcome(noise, outcome="Outcome")
        probability = predict_outcome(found.model, noise)["probability"]
        base = float((noise["Outcome"] == "Won").mean())  # type: ignore[arg-type]
        assert float((probability - base).abs().max()) < 0.25  # type: ignore[arg-type]


_CELL = st.one_of(
    st.text(max_size=6),
    st.integers(-5, 5).map(str),
    st.floats(allow_nan=True).map(str),
    st.sampled_from(["", "Select"]),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(_CELL, _CELL), min_size=40, max_size=60), st.integers(0, 99))
def test_no_columns_can_break_the_learning(cells: list[tuple[str, str]], seed: int) -> None:
    dice = np.random.default_rng(seed)
    rows = pl.DataFrame(cells, schema={"a b": pl.String, "?": pl.String}, orient="row")
    outcome = ["Won", "Lost"] * 6 + ["Won" if w else "Lost" for w in dice.random(rows.height - 12) < 0.4]
    rows = rows.with_columns(pl.Series("Outcome", outcome))
    found = learn_outcome(rows, outcome="Outcome")
    assert predict_outcome(found.model, rows).height == rows.height
    json.dumps(found.card, allow_nan=False)
