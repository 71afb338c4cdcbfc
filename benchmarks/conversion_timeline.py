"""When leads win, on a real funnel, beside Kaplan–Meier and Cox regression.

    python benchmarks/conversion_timeline.py --data ../shared/data [--later FILE]

The Olist file holds the leads first contacted before 2018-03-01 with the deals won before that day. Every way learns as
of a day within the file and is judged on the leads of that day and later, with what had become of them by the end of
the file. With `--later`, a file of the leads of 2018-03-01 and later with the same columns, every way also learns from
the whole file as of its end and is judged on that one. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import concordance_index

from porchlight.intelligence.conversion.tables.histories import read_histories
from porchlight.intelligence.conversion.tables.timeline import learn_timeline, predict_timeline
from porchlight.intelligence.evaluation.survival import Floats, brier_at, c_index
from porchlight.kit.tables.frame import read_frame

FILE = Path("olist_funnel/leads_as_of_2018-03-01.csv.gz")
START, END = "first_contact_date", "won_date"
COLUMNS = ("origin", "landing_page_id")
END_OF_FILE = datetime(2018, 3, 1)
CUTS = (datetime(2018, 1, 20), datetime(2018, 1, 25), datetime(2018, 2, 1), datetime(2018, 2, 8))
WITHIN = (7, 14, 21)
LATER = (30, 60, 90, 150)
COX_LEVELS = 20
COX_PENALTY = 0.1


class Forecast(NamedTuple):
    """Risk of each later row (n,), and its chance of having won by each horizon (n, horizons)."""

    risk: Floats
    chances: Floats


Way = Callable[[pl.DataFrame, pl.DataFrame, datetime, Sequence[int]], Forecast]


def porchlight(train: pl.DataFrame, later: pl.DataFrame, as_of: datetime, horizons: Sequence[int]) -> Forecast:
    model = learn_timeline(train, start=START, end=END, as_of=as_of)
    found = predict_timeline(model, later, horizons)
    return Forecast(found["log_odds"].to_numpy(), found.select(f"p_{day}" for day in horizons).to_numpy())


def kaplan_meier(train: pl.DataFrame, later: pl.DataFrame, as_of: datetime, horizons: Sequence[int]) -> Forecast:
    h = read_histories(train, start=START, end=END, as_of=as_of).histories
    curve = KaplanMeierFitter().fit(h.days, h.won)
    chances = 1 - curve.survival_function_at_times(list(horizons)).to_numpy()
    return Forecast(np.zeros(later.height), np.tile(chances, (later.height, 1)))


def cox(train: pl.DataFrame, later: pl.DataFrame, as_of: datetime, horizons: Sequence[int]) -> Forecast:
    """lifelines' Cox regression with a ridge, on the answers of each column, the rare ones together."""
    read = read_histories(train, start=START, end=END, as_of=as_of)
    known = train[read.kept]
    levels = [(name, level) for name in COLUMNS for level in most_frequent(known[name])]

    def design(rows: pl.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {f"{name}={level}": (rows[name] == level).to_numpy().astype(float) for name, level in levels}
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of levels without a win, which its ridge takes care of
        table = design(known).assign(days=read.histories.days, won=read.histories.won)
        fitted = CoxPHFitter(penalizer=COX_PENALTY).fit(table, "days", "won")
        x = design(later)
        chances = 1 - fitted.predict_survival_function(x, times=list(horizons)).to_numpy().T
        return Forecast(np.log(fitted.predict_partial_hazard(x).to_numpy()), chances)


def most_frequent(values: pl.Series) -> list[str]:
    counts = values.value_counts().sort("count", values.name, descending=[True, False])
    return counts[values.name].head(COX_LEVELS).to_list()


WAYS: Mapping[str, Way] = {"porchlight": porchlight, "lifelines Cox": cox, "Kaplan-Meier": kaplan_meier}


def judged(
    train: pl.DataFrame, later: pl.DataFrame, as_of: datetime, seen_until: datetime | None, horizons: Sequence[int]
) -> dict[str, Any]:
    """Every way trained as of a day, measured on later rows with what is known of them on another."""
    read = read_histories(later, start=START, end=END, as_of=seen_until)
    rows, truth = later[read.kept], read.histories
    found: dict[str, Any] = {
        "as_of": as_of.date().isoformat(), "later_rows": len(truth.days), "later_wins": int(truth.won.sum())
    }  # fmt: skip
    for name, way in WAYS.items():
        started = perf_counter()
        forecast = way(train, rows, as_of, horizons)
        seconds = perf_counter() - started
        c = c_index(truth.days, truth.won, forecast.risk)
        theirs = concordance_index(truth.days, -forecast.risk, truth.won)
        assert abs(c.value - theirs) < 1e-9, "our C-index is lifelines'"
        found[name] = {
            "c_index": [round(figure, 4) for figure in c],
            **{
                f"brier_{day}": round(brier_at(truth.days, truth.won, forecast.chances[:, k], day).value, 5)
                for k, day in enumerate(horizons)
            },
            "seconds": round(seconds, 2),
        }
    return found


def measure(data: Path, later: Path | None = None) -> list[dict[str, Any]]:
    """The rows of the benchmark; `data` is the folder of the public sets."""
    if not (data / FILE).is_file():
        raise SystemExit(f"{FILE} is missing in {data}: name the folder of the data with --data")
    rows = read_frame(data / FILE).rows
    starts = rows[START].str.to_date()
    found = [judged(rows, rows.filter(starts >= cut.date()), cut, END_OF_FILE, WITHIN) for cut in CUTS]
    if later is not None:
        found.append(judged(rows, read_frame(later).rows, END_OF_FILE, None, LATER))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--later", type=Path)
    given = parser.parse_args()
    print(json.dumps(measure(given.data, given.later), indent=2))


if __name__ == "__main__":
    main()
