"""Who wins, when, and what a history adds: Porchlight's forecasting side by side with what one would use otherwise.

    python benchmarks/conversion.py --data ../shared/data [--later FILE] [--markdown FILE] [--speed] [--parts tables …]

Prints one JSON document. The first part learns from real exports and is judged on their later rows: each file's earlier
70 % teaches and its later 30 % judges, or, with `--later`, the whole X Education file teaches and that file judges.
Beside Porchlight stand scikit-learn's logistic regression and HistGradientBoosting with their defaults, and the rule of
Odoo's predictive lead scoring (naive Bayes over discrete fields with 0.1 added to every count). Dates and histories are
the parts of conversion_timeline.py and conversion_history.py. `--speed` learns from 1,000,000 × 30 made-up cells.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import conversion_history
import conversion_timeline
import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from porchlight.intelligence.conversion.tables.learning import learn_outcome
from porchlight.intelligence.conversion.tables.outcome_model import predict_outcome
from porchlight.intelligence.evaluation import binary
from porchlight.intelligence.tables.kinds import Column, describe, typed
from porchlight.kit.tables.frame import read_frame

Floats = npt.NDArray[np.float64]
Way = Callable[[pl.DataFrame, pl.DataFrame, Sequence[Column], Floats], Floats]

X_EDUCATION = Path("leads_x_education/leads.csv.gz")
LEAKY = (
    "Tags", "Lead Quality", "Lead Profile", "Last Notable Activity", "Last Activity", "Asymmetrique Activity Index",
    "Asymmetrique Profile Index", "Asymmetrique Activity Score", "Asymmetrique Profile Score",
)  # fmt: skip
MAVEN = Path("crm_maven/sales_pipeline.csv")
EARLIER = 0.7


def logistic(train: pl.DataFrame, later: pl.DataFrame, columns: Sequence[Column], won: Floats) -> Floats:
    answers, numbers = _names(columns)
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore", min_frequency=5), answers),
        ),
        LogisticRegression(max_iter=5000),
    )
    return _fitted(model, train, later, won)


def boosting(train: pl.DataFrame, later: pl.DataFrame, columns: Sequence[Column], won: Floats) -> Floats:
    answers, numbers = _names(columns)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=200)
    model = make_pipeline(
        make_column_transformer((codes, answers), ("passthrough", numbers)),
        HistGradientBoostingClassifier(categorical_features=list(range(len(answers))), random_state=0),
    )
    return _fitted(model, train, later, won)


def odoo(train: pl.DataFrame, later: pl.DataFrame, columns: Sequence[Column], won: Floats) -> Floats:
    answers, _ = _names(columns)
    wins, losses = won.sum(), len(won) - won.sum()
    odds = np.full(later.height, np.log(wins / losses))
    for name in answers:
        table = train.select(pl.col(name), pl.Series("won", won)).group_by(name).agg(pl.col("won").sum(), pl.len())
        ratio = {
            value: np.log(((won_ + 0.1) / (wins + 0.1)) / ((rows - won_ + 0.1) / (losses + 0.1)))
            for value, won_, rows in table.iter_rows()
            if value is not None
        }
        odds += np.array([ratio.get(value, 0.0) for value in later[name].to_list()])
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


REFERENCES: dict[str, Way] = {
    "logistic regression": logistic, "HistGradientBoosting": boosting, "Odoo's naive Bayes": odoo
}  # fmt: skip


def _names(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    kinds = {"category": [], "number": []}  # type: dict[str, list[str]]
    for column in columns:
        if column.kind in kinds:
            kinds[column.kind].append(column.name)
    return kinds["category"], kinds["number"]


def _fitted(model: Any, train: pl.DataFrame, later: pl.DataFrame, won: Floats) -> Floats:
    inside, outside = (
        frame.with_columns(pl.col(pl.String).fill_null("not answered")).to_pandas() for frame in (train, later)
    )
    return np.asarray(model.fit(inside, won).predict_proba(outside)[:, 1], dtype=np.float64)


def compared(
    rows: pl.DataFrame, later: pl.DataFrame, outcome: str, won: str, exclude: Sequence[str], time: str | None
) -> dict[str, Any]:
    """Every way on the same rows; `exclude` holds for all, and the references also get no ids."""
    truth, label = ((frame[outcome] == won).to_numpy().astype(np.float64) for frame in (later, rows))
    started = perf_counter()
    learned = learn_outcome(rows, outcome=outcome, won=won, exclude=exclude, time=time)
    seconds = {"porchlight": perf_counter() - started}
    found = {"porchlight": predict_outcome(learned.model, later)["probability"].to_numpy()}
    columns = [c for c in describe(rows) if c.name not in {outcome, *exclude} and c.kind in ("category", "number")]
    inside, outside = typed(rows, columns), typed(later, columns)
    for name, way in REFERENCES.items():
        started = perf_counter()
        found[name] = way(inside, outside, columns, label)
        seconds[name] = perf_counter() - started
    return {
        "rows": rows.height,
        "later_rows": later.height,
        "base_rate": [round(float(label.mean()), 4), round(float(truth.mean()), 4)],
        "chosen": learned.card["chosen"]["model"],
        "verdict": learned.card["verdict"],
        "left_out": {left["column"]: left["reason"] for left in learned.card["left_out"]},
        **{name: {**_figures(truth, p), "seconds": round(seconds[name], 2)} for name, p in found.items()},
    }


def _figures(truth: Floats, p: Floats) -> dict[str, Any]:
    return {
        "auc": [round(figure, 4) for figure in binary.auc_interval(truth, p)],
        "log_loss": round(binary.log_loss(truth, p), 4),
        "brier": round(binary.brier(truth, p), 4),
        "ece": round(binary.ece(truth, p), 4),
        "lift": round(binary.lift(truth, p), 3),
    }


def tables(data: Path, later: Path | None) -> dict[str, Any]:
    """The rows about who wins; `data` is the folder of the public sets."""
    missing = [str(path) for path in (X_EDUCATION, MAVEN) if not (data / path).is_file()]
    if missing:
        raise SystemExit(f"{', '.join(missing)} missing in {data}: name the folder of the data with --data")
    leads = read_frame(data / X_EDUCATION).rows
    leads = leads[leads["Lead Number"].cast(pl.Int64).arg_sort()]
    cut = int(EARLIER * leads.height)
    train, judged = (leads[:cut], leads[cut:]) if later is None else (leads, read_frame(later).rows)
    deals = read_frame(data / MAVEN).rows.filter(pl.col("deal_stage").is_in(["Won", "Lost"])).sort("engage_date")
    known_later = ("close_date", "close_value", "opportunity_id")
    split = int(EARLIER * deals.height)
    return {
        "X Education, nine leaky columns out": compared(train, judged, "Converted", "1", LEAKY, None),
        "X Education, all columns": compared(train, judged, "Converted", "1", (), None),
        "CRM Maven (nothing to find)": compared(
            deals[:split], deals[split:], "deal_stage", "Won", known_later, "engage_date"
        ),
    }


def speed(rows: int = 1_000_000) -> dict[str, Any]:
    """Seconds to read and learn from a made-up file of 30 columns, half numbers, half answers."""
    dice = np.random.default_rng(0)
    odds = np.full(rows, -1.5)
    columns: dict[str, Any] = {"id": np.arange(rows)}
    for place in range(14):
        numbers, answers = dice.normal(size=rows), dice.integers(0, 3 + 4 * place, rows)
        columns |= {
            f"number {place}": numbers.round(3),
            f"answer {place}": pl.Series([f"v{k}" for k in range(60)])[answers],
        }
        odds += 0.1 * numbers * (place < 6) + 0.3 * (answers % 3 == 0) * (place < 5)
    columns["won"] = (dice.random(rows) < 1.0 / (1.0 + np.exp(-odds))).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        pl.DataFrame(columns).write_csv(path)
        started = perf_counter()
        frame = read_frame(path).rows
        read = perf_counter() - started
        learn_outcome(frame, outcome="won")
    return {
        "rows": rows,
        "columns": len(columns),
        "read_s": round(read, 1),
        "total_s": round(perf_counter() - started, 1),
    }


def markdown(found: dict[str, Any]) -> str:
    lines = [
        "| set | model | AUC (95 %) | log-loss | Brier | calibration error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, result in found.items():
        for way in ("porchlight", *REFERENCES):
            figures = result[way]
            auc, low, high = figures["auc"]
            lines.append(
                f"| {name} | {way} | {auc:.3f} ({low:.3f}–{high:.3f}) | {figures['log_loss']:.3f} | "
                f"{figures['brier']:.3f} | {figures['ece']:.3f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--later", type=Path, help="later rows of X Education")
    parser.add_argument("--later-funnel", type=Path, help="later rows of the Olist funnel")
    parser.add_argument("--markdown", type=Path, help="write the table of the first part here")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--parts", nargs="+", default=["tables", "timeline", "history"])
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if "tables" in given.parts:
            found["tables"] = tables(given.data, given.later)
            if given.markdown is not None:
                given.markdown.write_text(markdown(found["tables"]), encoding="utf-8")
        if "timeline" in given.parts:
            found["timeline"] = conversion_timeline.measure(given.data, given.later_funnel)
        if "history" in given.parts:
            found["history"] = conversion_history.run()
        if given.speed:
            found["speed"] = speed()
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
