from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from porchlight.intelligence.conversion.tables.card import Card
from porchlight.intelligence.conversion.tables.timeline_card import learn_with_card


def table(rows: int = 1_500, *, told: bool = True, seed: int = 1) -> pl.DataFrame:
    """Leads of a year, of which those by referral win more often where the table is `told` so."""
    dice = np.random.default_rng(seed)
    referral, start = dice.random(rows) < 0.3, dice.integers(0, 366, rows)
    wins = dice.random(rows) < np.where(referral, 0.6, 0.1)
    after = np.round(dice.exponential(25, rows)).astype(int)
    first = date(2024, 1, 1)
    source = np.where(referral if told else dice.permutation(referral), "referral", "portal")
    ends = [str(first + timedelta(days=int(s + a))) if w else "" for s, a, w in zip(start, after, wins, strict=True)]
    return pl.DataFrame(
        {"created": [str(first + timedelta(days=int(s))) for s in start], "source": source, "sold": ends}
    )


def card_of(frame: pl.DataFrame) -> Card:
    _, card = learn_with_card(
        frame, start="created", end="sold", as_of=datetime(2025, 1, 15), table="leads.csv",
        made_at="2025-01-15T09:00:00Z", version="1",
    )  # fmt: skip
    return card


@pytest.fixture(scope="module")
def card() -> Card:
    return card_of(table())


def test_a_card_is_plain_data(card: Card) -> None:
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_it_is_measured_on_later_rows_beside_both_references(card: Card) -> None:
    learned = card["learned_from"]
    assert (learned["rows"], learned["first"]) == (1_500, "2024-01-02")
    assert 300 < learned["unseen_rows"] < 600
    by_name = {(measure["name"], measure["horizon"]): measure for measure in card["measures"]}
    assert by_name["c_index", None]["model"]["value"] > 0.65
    brier = by_name["brier_at", 60]
    assert brier["base"] is not None
    assert brier["plain"] is not None
    assert brier["model"]["value"] < brier["base"]["value"]
    assert card["verdict"]["trust"] == "yes"


def test_what_it_says_moved_it_did(card: Card) -> None:
    assert card["moved"][0]["column"] == "source"
    assert [level["label"] for level in card["moved"][0]["levels"]] == ["referral", "portal"]


def test_the_curve_and_the_lift_rise(card: Card) -> None:
    predicted = [point["predicted"] for point in card["curve"]]
    found = [point["found"] for point in card["lift"]]
    assert predicted == sorted(predicted)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(1.0)
    assert found[5] > 0.5


def test_where_nothing_tells_winners_apart_the_card_says_so() -> None:
    verdict = card_of(table(told=False, seed=3))["verdict"]
    assert verdict["trust"] == "no"
    assert "Do not rank leads by it" in verdict["sentence"]


def test_with_a_handful_of_wins_nothing_is_measured_and_the_card_says_so() -> None:
    frame = table(400)
    few = frame.with_columns(sold=pl.when(pl.int_range(pl.len()) < 25).then("sold").otherwise(pl.lit("")))
    card = card_of(few)
    assert card["measures"] == []
    assert card["verdict"]["trust"] == "no"
    assert "expect its figures to change" in card["cautions"][0]
