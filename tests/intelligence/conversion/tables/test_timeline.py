from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion.tables.histories import read_histories
from porchlight.intelligence.conversion.tables.timeline import (
    TimelineModel,
    choose,
    learn_timeline,
    predict_timeline,
    read_table,
)
from porchlight.intelligence.conversion.tables.timeline_model import Plan, Trial, sampled
from porchlight.intelligence.evaluation.survival import c_index
from porchlight.intelligence.tables.errors import TableUnfitError

FIRST = date(2024, 1, 1)
AS_OF = datetime(2024, 10, 1)
HORIZONS = (30, 60, 90)


def table(rows: int = 1_500, seed: int = 1) -> pl.DataFrame:
    """Leads of a year; those by referral win far more often than those by a portal, whatever the colour."""
    dice = np.random.default_rng(seed)
    source = dice.choice(["referral", "portal", "", "Select"], rows, p=[0.3, 0.5, 0.1, 0.1])
    ever = np.where(source == "referral", 0.6, np.where(source == "portal", 0.1, 0.25))
    wins, start = dice.random(rows) < ever, dice.integers(0, 366, rows)
    after = np.round(dice.exponential(25, rows)).astype(int)
    end = [str(FIRST + timedelta(days=int(s + a))) if w else "" for s, a, w in zip(start, after, wins, strict=True)]
    return pl.DataFrame(
        {
            "lead": [f"L{n}" for n in dice.permutation(rows)],
            "created": [str(FIRST + timedelta(days=int(s))) for s in start],
            "source": source,
            "colour": dice.choice(["red", "blue", "green"], rows),
            "visits": dice.integers(0, 40, rows).astype(str),
            "gender": dice.choice(["female", "male"], rows),
            "sold": end,
        }
    )


def learned(frame: pl.DataFrame, **more: object) -> TimelineModel:
    return learn_timeline(frame, start="created", end="sold", as_of=AS_OF, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> TimelineModel:
    return learned(table())


def test_later_rows_are_ranked_and_their_level_is_right(model: TimelineModel) -> None:
    fresh = table(3_000, seed=2)
    found = predict_timeline(model, fresh, HORIZONS)
    truth = read_histories(fresh, start="created", end="sold", as_of=datetime(2026, 1, 1)).histories
    assert c_index(truth.days, truth.won, found["score"].to_numpy()).value > 0.7
    for horizon in HORIZONS:
        share = (truth.won & (truth.days <= horizon)).mean()
        assert found[f"p_{horizon}"].mean() == pytest.approx(share, abs=0.04)


def test_an_identifier_and_a_protected_column_are_left_out_and_said_so(model: TimelineModel) -> None:
    assert {(left["column"], left["reason"]) for left in model.left_out} == {
        ("lead", "identifier"),
        ("gender", "protected"),
    }
    assert [column.name for column in model.columns] == ["source", "colour", "visits"]


def test_what_is_kept_or_excluded_is_as_asked() -> None:
    frame = table().with_columns(seen="created")
    assert ("seen", "leak") in {(left["column"], left["reason"]) for left in learned(frame).left_out}
    found = learned(frame, keep=["seen"], exclude=["visits"])
    assert [column.name for column in found.columns] == ["source", "colour", "seen"]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1_000))
def test_what_happens_after_the_day_changes_nothing(seed: int) -> None:
    frame, dice = table(), np.random.default_rng(seed)
    later_end = (frame["sold"] >= "2024-10-01").to_numpy()
    other = [
        dice.choice(["", "2024-10-01", "2024-12-24", "2031-01-01"]) if later else sold
        for later, sold in zip(later_end, frame["sold"], strict=True)
    ]
    born_later = pl.col("created") >= "2024-10-01"
    changed = frame.with_columns(
        sold=pl.Series(other), source=pl.when(born_later).then(pl.lit("moon")).otherwise(pl.col("source"))
    )
    assert learned(changed).to_json() == learned(frame).to_json()


def test_a_row_won_after_the_day_is_open_not_lost() -> None:
    frame = table()
    found = read_histories(frame, start="created", end="sold", as_of=AS_OF)
    kept = frame[found.kept]
    late = (kept["sold"] >= "2024-10-01").to_numpy()
    assert late.any()
    assert not found.histories.won[late].any()
    starts = kept["created"].str.to_date().to_numpy()[late]
    assert found.histories.days[late].tolist() == (np.datetime64(AS_OF, "D") - starts).astype(float).tolist()
    assert "start on 2024-10-01 or later" in found.remarks[0]


def test_without_a_day_the_day_after_the_last_date_counts() -> None:
    found = read_histories(table(), start="created", end="sold")
    assert found.histories.won.sum() == (table()["sold"] != "").sum()


def test_an_outcome_says_which_ends_are_wins() -> None:
    frame = table().with_columns(
        status=pl.when(pl.col("sold") == "").then(pl.lit("")).when(pl.col("colour") == "red").then(pl.lit("lost"))
        .otherwise(pl.lit("Won"))
    )  # fmt: skip
    found = read_histories(frame, start="created", end="sold", outcome="status", as_of=AS_OF)
    lost = (frame[found.kept]["status"] == "lost").to_numpy()
    assert not found.histories.won[lost].any()
    assert (found.histories.start + found.histories.days)[lost] == pytest.approx(found.as_of)


def test_every_row_is_answered_in_order_whatever_it_holds(model: TimelineModel) -> None:
    strange = pl.DataFrame(
        {"visits": ["", "many", "-1e9"], "source": ["portal", "never seen", "referral"], "colour": ["", "?", "red"]}
    )
    found = predict_timeline(model, strange, [30])
    assert found.height == 3
    assert found["probability"].is_between(0, 1, closed="none").all()
    assert found["score"][2] > found["score"][0]
    assert predict_timeline(model, strange.reverse(), [30])["score"].to_list() == found["score"].to_list()[::-1]


def test_probabilities_rise_with_the_horizon_and_stop_at_the_plateau(model: TimelineModel) -> None:
    found = predict_timeline(model, table(200, 3), [1, 7, 30, 90, 365, 3650])
    rising = found.select(pl.selectors.starts_with("p_")).to_numpy()
    assert (np.diff(rising, axis=1) >= 0).all()
    assert rising[:, -1] == pytest.approx(found["probability"].to_numpy())


def test_reasons_add_up_to_the_score(model: TimelineModel) -> None:
    found = predict_timeline(model, table(50, 4), [30])
    for row in found.iter_rows(named=True):
        total = sum(float(reason.rsplit(" ", 1)[1]) for reason in row["reasons"].split("; "))
        assert total == pytest.approx(np.log(row["score"] / (100 - row["score"])), abs=0.005)


def test_the_expected_days_are_those_of_the_winners(model: TimelineModel) -> None:
    found = predict_timeline(model, table(50, 4), [30])
    assert found["expected_days"].mean() == pytest.approx(25 * np.log(2), abs=4)
    assert (found["expected_days_low"] < found["expected_days"]).all()
    assert (found["expected_days"] < found["expected_days_high"]).all()


def test_a_model_survives_its_text(model: TimelineModel) -> None:
    again = TimelineModel.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert predict_timeline(again, table(50), [30]).equals(predict_timeline(model, table(50), [30]))


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("format", 0, "format"),
        ("plan", None, "incomplete"),
        ("codes", [], "coefficients"),
        ("hazard.ages", [1.0, 0.5], "ages"),
        ("hazard.log_hazard", [None], "finite|incomplete"),
    ],
)
def test_a_model_that_does_not_hold_together_is_refused(
    model: TimelineModel, part: str, value: object, said: str
) -> None:
    held = json.loads(model.to_json())
    place = held
    *way, last = part.split(".")
    for name in way:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(ValueError, match=said):
        TimelineModel.from_json(json.dumps(held))


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        (lambda f: f.drop("created"), "created", "no column"),
        (lambda f: f.with_columns(created=pl.lit("soon")), "created", "cannot be read as dates"),
        (lambda f: f.head(12), "created", "learning needs at least 30"),
        (lambda f: f.with_columns(sold=pl.lit("")), "sold", "Only 0 rows are won"),
    ],
)
def test_a_table_that_will_not_do_is_refused_naming_the_column(change: object, column: str, said: str) -> None:
    with pytest.raises(TableUnfitError, match=said) as error:
        learned(change(table()))  # type: ignore[operator]
    assert error.value.column == column


def test_rows_with_dates_that_cannot_be_used_are_left_out_and_said_so() -> None:
    frame = table().with_columns(
        pl.when(pl.arange(0, 1_500) == 0).then(pl.lit("soon")).otherwise("created").alias("created")
    )
    found = read_histories(frame, start="created", end="sold", as_of=AS_OF)
    assert 0 not in found.kept
    assert found.remarks[0] == "1 row left out: they have a date that cannot be read."


def test_a_table_without_anything_to_find_gives_everybody_the_same() -> None:
    frame = table().with_columns(pl.col("source").shuffle(seed=1), pl.col("visits").shuffle(seed=2))
    scores = predict_timeline(learned(frame), frame, [30])["score"]
    assert scores.std() < 6  # type: ignore[operator]


def test_pairs_are_looked_at_where_they_rank_better() -> None:
    plain, paired = Plan(moving=True, paired=False), Plan(moving=True, paired=True)
    assert choose({plain: Trial(1, 0.6, 1), paired: Trial(2, 0.61, 1)}) == paired
    assert choose({plain: Trial(1, 0.6, 1), paired: Trial(0, 0.6, 1)}) == plain
    assert choose({}) == paired


def test_the_level_may_move_where_that_forecast_later_rows_better() -> None:
    frame = table(3_000)
    early = (pl.col("sold") < "2024-06-01") & (pl.int_range(pl.len()) % 5 > 0)
    risen = frame.with_columns(sold=pl.when(early).then(pl.lit("")).otherwise("sold"))
    assert learned(risen).plan.moving


def test_a_large_table_is_learned_from_a_part_of_it_always_the_same() -> None:
    part = sampled(read_table(table(), start="created", end="sold", as_of=AS_OF), 500)
    again = sampled(read_table(table(), start="created", end="sold", as_of=AS_OF), 500)
    assert len(part.histories.days) == part.frame.height == 500
    assert part.frame.equals(again.frame)
