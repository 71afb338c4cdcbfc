from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from porchlight.cli import app

_ADDED = re.compile(r" ([+-]\d+\.\d{4})(?:;|$)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learn")


@pytest.fixture(scope="module")
def table(folder: Path) -> Path:
    """400 leads in time order: the source says who wins, and a column that is filled in afterwards names it."""
    dice = np.random.default_rng(1)
    sources = dice.integers(0, 3, 400)
    won = dice.random(400) < np.array([0.7, 0.3, 0.1])[sources]
    rows = pl.DataFrame(
        {
            "Lead": [f"L-{row}" for row in range(400)],
            "Created": [f"2026-0{1 + row // 50}-{1 + row % 28:02}" for row in range(400)],
            "Source": [("Referral", "Website", "Portal")[source] for source in sources],
            "Tags": ["closed" if w else "ringing" for w in won],
            "Team": ["north" if row % 2 else "south" for row in range(400)],
            "Outcome": ["Won" if w else "Lost" for w in won],
        }
    )
    path = folder / "leads.csv"
    rows.write_csv(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path, table: Path) -> Path:
    said = _run("learn", table, "--outcome", "Outcome", "--time", "Created", "--group", "Team", "--model", folder / "m")
    assert "Tags: It looks filled in after the outcome" in said
    return folder / "m"


def _run(*words: object, fails: bool = False) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == int(fails), result.output
    return " ".join(result.output.split())


def test_a_model_is_a_folder_with_a_card_as_data_and_as_a_page(model: Path) -> None:
    assert {path.name for path in model.iterdir()} == {"model.json", "card.json", "card.html"}
    card: dict[str, Any] = json.loads((model / "card.json").read_bytes())
    assert card["learned_from"]["outcome"] == "Outcome = Won"
    assert [left["reason"] for left in card["left_out"] if left["column"] == "Tags"] == ["leak"]
    assert {group["group"] for group in card["groups"]} == {"north", "south"}
    assert "Tags" in (model / "card.html").read_text()


def test_predict_writes_a_row_for_each_row_with_reasons_that_add_up(folder: Path, table: Path, model: Path) -> None:
    _run("predict", table, "--model", model, "--out", folder / "out.csv")
    found = pl.read_csv(folder / "out.csv")
    assert found["Lead"].to_list() == [f"L-{row}" for row in range(400)]
    for reasons, log_odds in found.select("reasons", "log_odds").iter_rows():
        assert round(sum(float(added) for added in _ADDED.findall(reasons)), 4) == log_odds
    by_source = found.with_columns(pl.read_csv(table)["Source"]).group_by("Source").agg(pl.col("probability").mean())
    chance = dict(by_source.iter_rows())
    assert chance["Referral"] > chance["Website"] > chance["Portal"]


def test_a_row_that_cannot_be_read_keeps_its_place(folder: Path, table: Path, model: Path) -> None:
    lines = table.read_text().splitlines()
    damaged = folder / "damaged.csv"
    damaged.write_text("\n".join([*lines[:3], 'L-X,"2026,a', *lines[3:6]]) + "\n")
    said = json.loads(_run("predict", damaged, "--model", model, "--out", folder / "d.csv", "--json"))
    found = pl.read_csv(folder / "d.csv")
    assert (said["rows"], said["rejected"], found.height) == (6, 1, 6)
    assert found["probability"].is_null().to_list() == [False, False, True, False, False, False]


def test_parquet_and_json_are_spoken_too(folder: Path, table: Path, model: Path) -> None:
    _run("predict", table, "--model", model, "--out", folder / "out.parquet", "--json")
    assert pl.read_parquet(folder / "out.parquet").height == 400
    said = json.loads(_run("learn", table, "--outcome", "Outcome", "--model", folder / "m2", "--json"))
    assert said["card"]["kind"] == "outcome"


def test_dates_make_a_model_of_time(folder: Path) -> None:
    dice = np.random.default_rng(2)
    start = np.datetime64("2025-01-01") + dice.integers(0, 400, 700)
    wait = dice.exponential(30.0, 700).astype(int)
    won = dice.random(700) < 0.4
    rows = pl.DataFrame(
        {
            "start": [str(day) for day in start],
            "end": [str(day + days) if w else "" for day, days, w in zip(start, wait, won, strict=True)],
            "source": ["a" if w == (dice.random() < 0.7) else "b" for w in won],
        }
    )
    rows.write_csv(folder / "dated.csv")
    dates = ("--start", "start", "--end", "end", "--as-of", "2026-01-15")
    _run("learn", folder / "dated.csv", *dates, "--model", folder / "m3")
    _run(
        "predict",
        folder / "dated.csv",
        "--model",
        folder / "m3",
        "--out",
        folder / "dated_out.csv",
        "--horizons",
        "7,90",
    )
    found = pl.read_csv(folder / "dated_out.csv")
    assert found.height == 700
    assert (found["p_7"] <= found["p_90"]).all()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--outcome", "Outcom"], "did you mean “Outcome”?"),
        (["--outcome", "Outcome", "--won", "Sold"], "“Sold” does not occur in “Outcome”"),
        (["--outcome", "Outcome", "--time", "Source"], "“Source” (--time) cannot be read as dates"),
        (["--outcome", "Outcome", "--exclude", "Tag"], "no column “Tag”"),
        ([], "Say which column holds the outcome with --outcome"),
        (["--start", "Created"], "Give both --start and --end"),
    ],
)
def test_what_is_wrong_is_said_with_the_column_and_the_next_step(
    folder: Path, table: Path, words: list[str], says: str
) -> None:
    assert says in _run("learn", table, *words, "--model", folder / "none", fails=True)
    assert not (folder / "none").exists()


def test_twelve_rows_are_too_few(folder: Path, table: Path) -> None:
    few = folder / "few.csv"
    few.write_text("\n".join(table.read_text().splitlines()[:13]))
    assert "Only 12 rows have an outcome" in _run(
        "learn", few, "--outcome", "Outcome", "--model", folder / "none", fails=True
    )


def test_a_folder_of_another_version_is_refused(folder: Path, table: Path, model: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "model.json").write_text(json.dumps({**json.loads((model / "model.json").read_bytes()), "format": 99}))
    said = _run("predict", table, "--model", other, "--out", folder / "x.csv", fails=True)
    assert "its format is 99" in said
    assert "learn it again" in said


def test_a_folder_without_a_model_says_how_to_make_one(folder: Path, table: Path) -> None:
    said = _run("predict", table, "--model", folder / "nothing", "--out", folder / "x.csv", fails=True)
    assert "porchlight learn TABLE" in said
