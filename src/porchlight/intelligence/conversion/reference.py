"""The reference pages, written from the tables; run this module with a page's name to print it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from math import exp
from typing import Any, Final

from porchlight.intelligence.conversion.features import BASE_PROBABILITY, FACTORS, FEATURES, MONTHLY_CLOSINGS
from porchlight.intelligence.conversion.forecast import GRADE_A, GRADE_B, HORIZON_DAYS, MODEL_VERSION
from porchlight.intelligence.conversion.kinds import KINDS, STAGES, Payload
from porchlight.intelligence.conversion.scorecard import (
    FACTOR_LIMITS,
    TERMINAL_LOG_ODDS,
    WEIGHTS,
    contribution_range,
    factor_range,
)
from porchlight.intelligence.conversion.state import DAY, HALF_LIVES


def activity_kinds_page() -> str:
    """`docs/reference/activity-kinds.md`."""
    rows = (
        (f"`{kind.name}`", kind.meaning, kind.direction.value, kind.stage or "", _fields(kind.model))
        for kind in KINDS.values()
    )
    return _page(
        "# Activity kinds",
        "Written from `porchlight.intelligence.conversion.kinds`; change it there.",
        "Every fact about a lead is of one of these kinds. All fields of a payload are optional, a null is the same as "
        "a missing field, wrong types are refused, and fields that are not listed are kept. Prices are whole currency "
        "units as in RESO's ListPrice; `at` is an ISO 8601 time with its offset from UTC.",
        "*By* is whose deed the fact records. *Stage* is what the fact implies: the lead is at least that far. The "
        f"stages are {', '.join(STAGES)}.",
        _table(("kind", "meaning", "by", "stage", "payload"), rows),
    )


def scorecard_page() -> str:
    """`docs/reference/scorecard.md`."""
    features = {feature.name: feature for feature in FEATURES}
    limits = (
        (factor, *(f"{end:+.2f}" for end in factor_range(factor)), f"± {FACTOR_LIMITS[factor]:.1f}")
        for factor in FACTORS
    )
    sections = []
    for factor in FACTORS:
        weights = [weight for weight in WEIGHTS if features[weight.feature].factor == factor]
        sections += [
            f"## {factor}",
            _table(
                ("feature", "what it is", "range", "average lead", "weight", "odds × at worst, at best", "rests on"),
                (
                    (
                        f"`{weight.feature}`",
                        features[weight.feature].meaning,
                        f"{features[weight.feature].low:g} … {features[weight.feature].high:g}",
                        f"{features[weight.feature].reference:g}",
                        f"{weight.log_odds:+g}",
                        ", ".join(f"{exp(end):.2f}" for end in contribution_range(features[weight.feature])),
                        weight.evidence,
                    )
                    for weight in weights
                ),
            ),
            "\n".join(f"- **{weight.feature}.** {weight.why} *Source: {weight.source}.*" for weight in weights),
        ]
    return _page(
        "# The prior scorecard",
        "Written from `porchlight.intelligence.conversion`; change it there.",
        f"Version `{MODEL_VERSION}`. The probability that a lead converts within {HORIZON_DAYS} days is "
        "sigmoid(logit(base) + sum of the eight factors). The score is 100 · sigmoid(sum), so that 50 is an average "
        f"lead; grade A from {GRADE_A:g} (four times the base odds), B from {GRADE_B:g} (one and a half times). A "
        "feature contributes weight · (value − value of an average lead) log-odds, and nothing where it has no data.",
        f"The base is the tenant's own, or {BASE_PROBABILITY:.1%} where there is no history: the range commonly quoted "
        "for the industry and ascribed to the National Association of Realtors is 0.4–1.2 % of leads, without a "
        "horizon and without a primary document that could be found; confidence is low.",
        "A weight that rests on *judgement* alone may never move the odds by more than a factor of 1.5 either way. The "
        "factors cannot go beyond these log-odds, whatever a lead does:",
        _table(("factor", "lowest", "highest", "limit"), limits),
        f"A closed or lost lead has the one contribution `ended` of {TERMINAL_LOG_ODDS:+.2f}, which is score 1, until "
        "it is reopened. That is a convention to keep it below all open leads, not an estimate.",
        "Never a feature: names, addresses, postcodes and their demographics, age, family, life events, language, or "
        "anything else that stands for a protected class. Areas and listings enter only by being the same or not.",
        *sections,
        "## Half-lives",
        "Counts fade: after the half-life, half of a deed is forgotten. Expert judgement around the 10 weeks that NAR "
        "reports as the median search.",
        _table(("count", "days"), ((name, f"{life / DAY:g}") for name, life in HALF_LIVES._asdict().items())),
        "## Closings by month",
        "Relative to the year's average; the median of Redfin's national count of homes sold, not seasonally adjusted, "
        "against its centred 12-month average, 2012–2023 without 2020.",
        _table([f"{month}" for month in range(1, 13)], [[f"{value:.2f}" for value in MONTHLY_CLOSINGS]]),
    )


def _fields(model: type[Payload]) -> str:
    properties: Mapping[str, Any] = model.model_json_schema(by_alias=True).get("properties", {})
    return ", ".join(f"`{name}` {_type_name(schema)}" for name, schema in properties.items())


def _type_name(schema: Mapping[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    option = options[0]
    if "enum" in option:
        return " or ".join(option["enum"])
    if option["type"] == "array":
        return f"list of {_type_name(option['items'])}"
    return {"boolean": "true or false", "number": "number", "string": "text"}[option["type"]]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *(tuple(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _page(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "activity-kinds": activity_kinds_page,
    "scorecard": scorecard_page,
}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
