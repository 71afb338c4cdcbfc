"""A model of who wins, learned from a table: its forecasts, their reasons, and the form in which it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import TypeAdapter, ValidationError
from scipy.special import expit

from porchlight.intelligence.conversion.fitting import boosted
from porchlight.intelligence.conversion.fitting.calibration import Calibration
from porchlight.intelligence.conversion.forecast import GRADE_A, GRADE_B
from porchlight.intelligence.conversion.tables.encoding import Code, Encoded, encode, in_words, read
from porchlight.intelligence.conversion.tables.recipe import Fitted
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import Column, typed

Floats = npt.NDArray[np.float64]

FORMAT: Final = 1
DECIMALS: Final = 4
"""Log-odds are rounded to this many before they are added up, so that what is written adds up to the last digit."""
_REASONS: Final = 4
_ROWS_AT_ONCE: Final = 20_000
_FLAT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """`columns` say how to type a table of text, `codes` how to encode it; `base` is the log-odds of winning in the
    table it was learned from, against which scores are given; `typical` the raw log-odds of the average row."""

    outcome: str
    won_value: str
    columns: tuple[Column, ...]
    codes: tuple[Code, ...]
    fitted: Fitted
    calibration: Calibration
    base: float
    typical: float


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model says of rows: `parts` (n, codes) and `rest` (n,), rounded log-odds, add up to `log_odds`."""

    parts: Floats
    rest: Floats
    log_odds: Floats
    probability: Floats
    score: Floats


def typed_rows(model: OutcomeModel, rows: pl.DataFrame) -> pl.DataFrame:
    """A frame of text with the model's columns and their values; raises `TableUnfitError` where one is missing."""
    missing = [column.name for column in model.columns if column.name not in rows.columns]
    if missing:
        raise TableUnfitError(
            f"The table has no column “{missing[0]}”, which the model learned from: export it as well, "
            "or learn a new model from a table without it",
            missing[0],
        )
    return typed(rows, model.columns) if model.columns else rows.select()


def log_odds(model: OutcomeModel, encoded: Encoded) -> Floats:
    """Calibrated log-odds of winning of each row, shape (n,)."""
    fitted = model.fitted
    odds = fitted.constant + fitted.part * (fitted.intercept + encoded.linear @ fitted.coefficients)
    if fitted.trees is not None:
        odds = odds + fitted.tree_part * boosted.predict(fitted.trees, encoded.trees)
    return model.calibration.of(np.asarray(odds, dtype=np.float64))


def contributions(fitted: Fitted, encoded: Encoded, codes: int) -> tuple[Floats, float]:
    """What each code adds to a row's raw log-odds, shape (n, codes), and what remains for every row alike."""
    by_feature = fitted.part * encoded.linear * fitted.coefficients
    parts = np.zeros((len(by_feature), codes))
    np.add.at(parts.T, encoded.owner, by_feature.T)
    typical = fitted.constant + fitted.part * fitted.intercept
    if fitted.trees is not None:
        shapley = fitted.tree_part * boosted.contributions(fitted.trees, encoded.trees)
        parts += shapley[:, :-1]
        typical += float(shapley[0, -1]) if len(shapley) else 0.0
    return parts, typical


def score_rows(model: OutcomeModel, encoded: Encoded) -> Scored:
    """Forecasts with what each column adds to them.

    A calibration that bends is shared out in proportion: each part is multiplied by how much steeper or flatter the
    calibrated log-odds are between the average row and this one, which keeps signs and sum.
    """
    parts, typical = contributions(model.fitted, encoded, len(model.codes))
    raw = parts.sum(axis=1)
    level = float(model.calibration.of(np.array([typical]))[0])
    risen = model.calibration.of(typical + raw) - level
    near = np.abs(raw) < _FLAT
    slope = np.where(near, 0.5 * (model.calibration.a + model.calibration.b), risen / np.where(near, 1.0, raw))
    rounded = np.round(parts * slope[:, None], DECIMALS)
    total = np.round(risen + level - model.base, DECIMALS)
    rest = np.round(total - rounded.sum(axis=1), DECIMALS)
    return Scored(rounded, rest, total, np.asarray(expit(total + model.base)), 100.0 * np.asarray(expit(total)))


def predict_outcome(model: OutcomeModel, rows: pl.DataFrame) -> pl.DataFrame:
    """One row per row of a frame of text, in its order.

    `probability` of winning; `score` 0–100, 50 an average row of the table learned from; `log_odds` are the score's,
    which the `reasons` add up to. Raises `TableUnfitError`.
    """
    frame = typed_rows(model, rows)
    found = [_predicted(model, part) for part in frame.iter_slices(_ROWS_AT_ONCE)] if frame.width else []
    if not found:
        return _flat(model, rows.height)
    return pl.concat(found)


def _predicted(model: OutcomeModel, frame: pl.DataFrame) -> pl.DataFrame:
    scored = score_rows(model, encode(frame, model.codes))
    return _written(model, scored, _reasons(model, frame, scored))


def _flat(model: OutcomeModel, rows: int) -> pl.DataFrame:
    level = round(float(model.calibration.of(np.array([model.typical]))[0]) - model.base, DECIMALS)
    total = np.full(rows, level)
    scored = Scored(
        np.zeros((rows, 0)), total, total, np.asarray(expit(total + model.base)), 100.0 * np.asarray(expit(total))
    )
    return _written(model, scored, [f"everything else {level:+.{DECIMALS}f}"] * rows)


def _written(model: OutcomeModel, scored: Scored, reasons: list[str]) -> pl.DataFrame:
    grade = np.where(scored.score >= GRADE_A, "A", np.where(scored.score >= GRADE_B, "B", "C"))
    return pl.DataFrame(
        {
            "probability": scored.probability,
            "score": scored.score,
            "grade": pl.Series(grade.tolist(), dtype=pl.String),
            "log_odds": scored.log_odds,
            "reasons": pl.Series(reasons, dtype=pl.String),
        }
    )


def _reasons(model: OutcomeModel, frame: pl.DataFrame, scored: Scored) -> list[str]:
    """The strongest reasons of each row, as “Lead Source = Reference +1.2034; …”, all the others summed up last."""
    strongest = np.argsort(-np.abs(scored.parts), axis=1, kind="stable")[:, :_REASONS]
    values = [read(frame, code.feature).to_list() for code in model.codes]
    found = []
    for row, (best, parts, total) in enumerate(
        zip(strongest.tolist(), scored.parts.tolist(), scored.log_odds.tolist(), strict=True)
    ):
        shown = [place for place in best if parts[place]]
        said = [f"{in_words(model.codes[place], values[place][row])} {parts[place]:+.{DECIMALS}f}" for place in shown]
        remaining = round(total - sum(parts[place] for place in shown), DECIMALS) + 0.0
        found.append("; ".join([*said, f"everything else {remaining:+.{DECIMALS}f}"]))
    return found


def to_json(model: OutcomeModel) -> str:
    held = asdict(model)
    held["fitted"]["coefficients"] = model.fitted.coefficients.tolist()
    return json.dumps({"format": FORMAT, "kind": "outcome", **held}, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> OutcomeModel:
    """The model of `to_json`; raises `ValueError` where the text is not one of this format or is out of bounds."""
    held: dict[str, Any] = json.loads(text)
    if held.pop("format", None) != FORMAT or held.pop("kind", None) != "outcome":
        raise ValueError(f"the model is not of format {FORMAT}")
    try:
        fitted = held.pop("fitted")
        trees = fitted.pop("trees")
        coefficients = np.asarray(_NUMBERS.validate_python(fitted.pop("coefficients")), dtype=np.float64)
        model = OutcomeModel(
            columns=_COLUMNS.validate_python(held.pop("columns")),
            codes=_CODES.validate_python(held.pop("codes")),
            calibration=_CALIBRATION.validate_python(held.pop("calibration")),
            fitted=Fitted(
                coefficients=coefficients,
                trees=None if trees is None else boosted.Boosted(tuple(map(str, trees["texts"]))),
                **_FINITE.validate_python(fitted),
            ),
            base=float(held.pop("base")),
            typical=float(held.pop("typical")),
            **_TEXTS.validate_python(held),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError(f"the model is incomplete: {error}") from error
    width = sum(len(code.means) for code in model.codes)
    if len(coefficients) != width or not np.isfinite([*coefficients, model.base, model.typical]).all():
        raise ValueError(f"the model has {len(coefficients)} coefficients for {width} features, or some are not finite")
    if model.fitted.trees is not None and not boosted.fits(model.fitted.trees, len(model.codes)):
        raise ValueError(f"the trees of the model are not of its {len(model.codes)} columns")
    return model


_COLUMNS: Final = TypeAdapter(tuple[Column, ...])
_CODES: Final = TypeAdapter(tuple[Code, ...])
_CALIBRATION: Final = TypeAdapter(Calibration)
_NUMBERS: Final = TypeAdapter(list[float])
_FINITE: Final = TypeAdapter(dict[str, float])
_TEXTS: Final = TypeAdapter(dict[str, str])
