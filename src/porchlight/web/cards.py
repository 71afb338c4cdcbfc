"""A model's card as one page that stands alone: no server, no script, no other file; a broker can read and print it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from porchlight.intelligence.conversion.tables.card import Card, Estimate, Measure, MeasureName
from porchlight.kit import charts
from porchlight.web.presentation import number, percent, plural, signed

_BARS: Final = 10


class Words(NamedTuple):
    """A measure for people: its name, what it means, whether more is better, and how it is written."""

    name: str
    meaning: str
    more: bool
    percent: bool = False


MEASURES: Final[Mapping[MeasureName, Words]] = {
    "auc": Words(
        "AUC", "How often a winner is ranked above a loser. A coin ranks half of them right (0.50); 1 is perfect.", True
    ),
    "log_loss": Words("Log-loss", "How surprised it was by what happened. Lower is better.", False),
    "brier": Words("Brier score", "The mean squared distance of forecast and truth. Lower is better.", False),
    "ece": Words(
        "Calibration error", "How far its probabilities were off on average. 0 % is perfect.", False, percent=True
    ),
    "lift": Words("Lift", "How many times more winners than average its best tenth of rows held.", True),
    "c_index": Words(
        "C-index", "How often the one who won first was ranked first. A coin is right half of the time (0.50).", True
    ),
    "brier_at": Words(
        "Brier score", "The mean squared distance of forecast and truth by then. Lower is better.", False
    ),
}
REASONS: Final[Mapping[str, str]] = {
    "leak": "Knows the outcome",
    "protected": "Protected",
    "stands_in": "Stands in for a protected class",
    "constant": "Says nothing",
    "duplicate": "Said twice",
    "identifier": "Names the row",
    "free_text": "Free text",
    "empty": "Empty",
    "asked": "As asked",
}
TRUST: Final[Mapping[str, str]] = {
    "yes": "You can trust these scores",
    "with_care": "Use these scores with care",
    "no": "Do not rank by these scores",
}


class Row(NamedTuple):
    """A line of the table of measures. `better` says whether the model beats its references: "both", "base" or ""."""

    name: str
    meaning: str
    model: str
    interval: str
    plain: str
    base: str
    better: str


def render_card(card: Card) -> str:
    """The card as a whole HTML page."""
    return (
        _environment()
        .get_template("cards/_alone.html")
        .render(
            card=card,
            rows=measure_rows(card),
            pictures=pictures(card),
            trust=TRUST[card["verdict"]["trust"]],
            reasons=REASONS,
            references=_references(card),
        )
    )


@cache
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("porchlight.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(number=number, percent=percent, plural=plural, signed=signed)
    return env


def measure_rows(card: Card) -> list[Row]:
    """The measures in words and figures; what is said of one horizon is not said again of the next."""
    rows = [_row(measure) for measure in card["measures"]]
    said = [None, *(row.meaning for row in rows)]
    return [row._replace(meaning="") if row.meaning == before else row for before, row in zip(said, rows, strict=False)]


def _row(measure: Measure) -> Row:
    words = MEASURES[measure["name"]]
    horizon = "" if measure["horizon"] is None else f", within {plural(measure['horizon'], 'day')}"
    model, others = measure["model"], (measure["base"], measure["plain"])
    beaten = [
        other is not None and (model["value"] > other["value"]) == words.more and model["value"] != other["value"]
        for other in others
    ]
    return Row(
        words.name + horizon,
        words.meaning,
        _figure(model, words),
        _interval(model, words),
        _figure(measure["plain"], words),
        _figure(measure["base"], words),
        "both" if all(beaten) else "base" if beaten[0] else "",
    )


def pictures(card: Card) -> list[tuple[str, str, str]]:
    """Each chart with its heading and a sentence under it; none is drawn of nothing."""
    last = max((measure["horizon"] or 0 for measure in card["measures"]), default=0)
    by_then = f" within {plural(last, 'day')}" if card["kind"] == "timeline" else ""
    drawn = []
    if card["reliability"]:
        drawn.append(("Do its probabilities come true?", _reliability(card, by_then), _RELIABILITY_NOTE))
    if card["curve"]:
        drawn.append(("When do they win?", _curve(card), _CURVE_NOTE))
    if card["lift"]:
        drawn.append(("What working the best first finds", _lift(card, by_then), _LIFT_NOTE))
    if card["moved"]:
        drawn.append(("What moved the forecasts", _moved(card), _MOVED_NOTE))
    return drawn


_RELIABILITY_NOTE: Final = (
    "Each dot is a group of unseen rows with similar forecasts; the line through it is its 95 % interval. On the "
    "dashed line forecast and truth are the same; above it more came true than was forecast."
)
_CURVE_NOTE: Final = (
    "The share of unseen rows won by each day after the start: forecast (amber) and what happened (blue, with its 95 % "
    "interval; rows still open count for as long as they were watched). Most never win, so it levels off."
)
_LIFT_NOTE: Final = "The dashed line is working the rows in any order."
_MOVED_NOTE: Final = "How far a column moves the log-odds of a row on average; 0.7 doubles or halves the odds."


def _reliability(card: Card, by_then: str) -> str:
    bins = [
        charts.Reliable(
            b["predicted"],
            b["observed"]["value"],
            _or(b["observed"]["low"], b["observed"]["value"]),
            _or(b["observed"]["high"], b["observed"]["value"]),
            b["rows"],
        )
        for b in card["reliability"]
    ]
    said = "; ".join(f"forecast {percent(b.forecast)}, came true {percent(b.came_true)} of {b.rows}" for b in bins)
    return charts.reliability(
        bins, name="reliability", title=f"Reliability of the probability of winning{by_then}", description=said
    )


def _curve(card: Card) -> str:
    points = card["curve"]
    forecast = [charts.Point(p["day"], p["predicted"]) for p in points]
    observed = [
        charts.Point(p["day"], p["observed"]["value"], p["observed"]["low"], p["observed"]["high"])
        for p in points
        if p["observed"] is not None
    ]
    ends = f"by day {number(points[-1]['day'])} forecast {percent(points[-1]['predicted'])}"
    happened = f", happened {percent(observed[-1].value)}" if observed else ""
    return charts.conversion_curve(
        forecast, observed, name="curve", title="Share won by day after the start", description=ends + happened
    )


def _lift(card: Card, by_then: str) -> str:
    points = [(0.0, 0.0), *((p["part"], p["found"]) for p in card["lift"])]
    said = "; ".join(f"the best {percent(part)} hold {percent(found)}" for part, found in points[2:11:2])
    return charts.lift(points, name="lift", title=f"Share of all wins{by_then} found", description=said)


def _moved(card: Card) -> str:
    bars = [
        charts.Signed(_short(moved["column"]), moved["strength"], f"{moved['strength']:.2f}")
        for moved in card["moved"][:_BARS]
    ]
    said = "; ".join(f"{bar.label} {bar.said}" for bar in bars)
    return charts.signed_bars(bars, name="moved", title="How far each column moves forecasts", description=said)


def _references(card: Card) -> tuple[str, str]:
    """The names of the two references: a plain regression, and giving everybody the same."""
    if card["kind"] == "timeline":
        return "Plain proportional hazards", "Same curve for all"
    return "Plain logistic regression", "Base rate for all"


def _figure(estimate: Estimate | None, words: Words) -> str:
    if estimate is None:
        return "–"
    return f"{100 * estimate['value']:.1f} %" if words.percent else f"{estimate['value']:.3f}"


def _interval(estimate: Estimate, words: Words) -> str:
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return ""
    return f"{100 * low:.1f} – {100 * high:.1f} %" if words.percent else f"{low:.3f} – {high:.3f}"


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _short(label: str, most: int = 24) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
