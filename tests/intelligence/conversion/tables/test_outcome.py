from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from porchlight.intelligence.conversion.tables.outcome import read_outcome
from porchlight.intelligence.tables.errors import TableUnfitError


def _rows(values: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"Stage": values})


@pytest.mark.parametrize(
    ("won", "lost"), [("1", "0"), ("Yes", "No"), ("Won", "Lost"), ("true", "false"), ("Closed Won", "Closed Lost")]
)
def test_the_usual_words_for_a_win_are_known(won: str, lost: str) -> None:
    found = read_outcome(_rows([won, lost, lost] * 20), "Stage")
    assert found.won_value == won
    assert found.won.sum() == 20


def test_rows_still_open_are_nobodys_loss() -> None:
    found = read_outcome(_rows(["Won", "Lost", "Engaging", "Prospecting"] * 20), "Stage", "Won")
    assert np.isnan(found.won).sum() == 40
    assert "40 rows are still open" in found.remarks[0]


def test_without_a_word_for_lost_every_other_answer_is_not_a_win() -> None:
    found = read_outcome(_rows(["Gold", "Silver", "Bronze"] * 20), "Stage", "gold")
    assert (found.won.sum(), np.isnan(found.won).sum()) == (20, 0)


def test_a_column_that_holds_only_wins_takes_the_blank_for_not_won() -> None:
    found = read_outcome(_rows(["Sold", "", "-"] * 20), "Stage")
    assert found.won.tolist()[:3] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("values", "won", "says"),
    [
        (["Won"] * 40, None, "learning needs rows that won and rows that did not"),
        (["Won", "Lost"] * 6, None, "Only 12 rows have an outcome in “Stage”"),
        (["Won"] * 2 + ["Lost"] * 60, None, "(2 won, 60 not)"),
        (["Gold", "Silver"] * 30, None, "Say it with --won"),
        (["Won", "Lost"] * 30, "Sold", "“Sold” does not occur in “Stage”"),
        (["", "n/a"] * 30, None, "is empty"),
    ],
)
def test_what_cannot_be_learned_from_is_said_with_the_next_step(values: list[str], won: str | None, says: str) -> None:
    with pytest.raises(TableUnfitError) as refused:
        read_outcome(_rows(values), "Stage", won)
    assert refused.value.column == "Stage"
    assert says in refused.value.sentence


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(TableUnfitError, match="did you mean “Stage”"):
        read_outcome(_rows(["Won"]), "stge")
