"""What a team's own history adds to the scorecard, and what a forecast of the learned model costs.

    python benchmarks/conversion_history.py [--teams 4] [--seeds-per-team 6]

Simulated brokerages (`porchlight.demo`) are cut at a day. Models learn from the leads of before with what was known on
that day, and are judged on the leads captured afterwards: their log-loss of converting within 90 days, over all moments
whose 90 days have passed. Histories are nested: the leads of 50 outcomes are among those of 200. Prints one JSON
document.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from statistics import mean, median
from time import perf_counter
from typing import Any
from uuid import UUID

import lightgbm as lgb
import numpy as np

from porchlight.demo.leads import ORIGIN
from porchlight.demo.simulate import history
from porchlight.intelligence.conversion import EMPTY, Context, Fact, explain, feature_values, fold, season_of
from porchlight.intelligence.conversion.features import BASE_PROBABILITY
from porchlight.intelligence.conversion.history.correction import learn
from porchlight.intelligence.conversion.history.curve import curve_of
from porchlight.intelligence.conversion.history.landmarks import (
    Floats,
    Pursuit,
    Rows,
    as_matrix,
    converted_within,
    landmark_rows,
)
from porchlight.intelligence.conversion.history.model import PRIOR, Model, forecast_with, score_many
from porchlight.intelligence.conversion.history.terms import About
from porchlight.intelligence.conversion.state import DAY
from porchlight.leads.touch import touch_facts

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CUT = NOW.timestamp() - 240 * DAY
SIZES = (0, 50, 200, 2_000)
FIRST_SEED = 5_000
"""The model's settings were found on seeds below 1,000: these have been used for nothing else."""
SUBSETS = 4
"""Histories of each size that are drawn from a team's past, so that luck with a handful of deals evens out."""


def pursuits(seed: int, now: datetime = NOW) -> list[Pursuit]:
    """The simulated leads of one seed as they would be on record."""
    found = []
    for lead in history(seed, now).leads:
        facts = [
            Fact(fact.kind, fact.occurred_at.timestamp(), fact.payload, fact.source)
            for number, touch in enumerate((lead.lead, *lead.touches))
            for fact in touch_facts(UUID(int=0), touch, "import", now, first=number == 0)
        ]
        facts += [Fact(a.kind, a.occurred_at.timestamp(), a.payload, ORIGIN) for a in lead.activities]
        facts.sort(key=lambda fact: fact.occurred_at)
        custom = {name: str(value) for name, value in lead.lead.custom.items()}
        found.append(
            Pursuit(f"{seed}/{lead.lead.external_id}", tuple(facts), custom, lead.lead.source, lead.agent.email)
        )
    return found


def context_at(at: float) -> Context:
    return _context(datetime.fromtimestamp(at, UTC).month)


@cache
def _context(month: int) -> Context:
    return Context(season=season_of(month))


def learning_curve(teams: int, seeds_per_team: int) -> list[dict[str, Any]]:
    """Mean log-loss on later leads by size of history, for the learned model, the prior and a fresh LightGBM."""
    losses: dict[tuple[int, str], list[float]] = {}
    details: list[dict[str, Any]] = []
    for team in range(teams):
        leads = [one for seed in range(seeds_per_team) for one in pursuits(FIRST_SEED + 100 * team + seed)]
        dice = np.random.default_rng(team)
        past = [one for one in leads if one.facts[0].occurred_at < CUT]
        later = landmark_rows([one for one in leads if one.facts[0].occurred_at >= CUT], NOW.timestamp(), context_at)
        later = later.take(later.followed >= 90)
        for _ in range(SUBSETS):
            order = [past[i] for i in dice.permutation(len(past))]
            ended = np.cumsum([_ended(one) for one in order])
            for size in SIZES:
                if size == max(SIZES) and _ > 0:
                    continue  # nearly the whole past: drawing it again says nothing new
                some = order[: int(np.searchsorted(ended, size)) + 1] if size else []
                rows = landmark_rows(some, CUT, context_at)
                model = learn(rows)
                for name, log_odds in (
                    ("learned", _of_model(model, later)),
                    ("prior", _of_model(PRIOR, later)),
                    ("lightgbm", _fresh(rows, later, {})),
                    ("lightgbm_careful", _fresh(rows, later, _CAREFUL)),
                ):
                    losses.setdefault((size, name), []).append(_log_loss(later, log_odds))
                details.append({"team": team, "size": size, "learned": model.learned._asdict(), "trust": model.trust})
    return [
        {
            "outcomes": size,
            "histories": len(losses[size, "learned"]),
            **{
                name: round(mean(losses[size, name]), 5)
                for name in ("learned", "prior", "lightgbm", "lightgbm_careful")
            },
            "worse_than_prior": round(
                mean(a > b for a, b in zip(losses[size, "learned"], losses[size, "prior"], strict=True)), 3
            ),
            "conversions": mean(d["learned"]["conversions"] for d in details if d["size"] == size),
            "trust": round(mean(d["trust"] for d in details if d["size"] == size), 2),
        }
        for size in SIZES
    ]


_CAREFUL = {"learning_rate": 0.03, "num_leaves": 8, "min_data_in_leaf": 50, "lambda_l2": 5.0}
"""A LightGBM set up by somebody who knows that there is little data; as many rounds as did best, which flatters it."""


def _fresh(rows: Rows, later: Rows, settings: dict[str, Any]) -> Floats:
    y, weights = converted_within(rows, 90)
    known = weights > 0.0
    if not 0.0 < y[known].sum() < known.sum():
        # Without both outcomes it has nothing to learn: the documented base is the best it could say.
        return np.full(len(later), np.log(BASE_PROBABILITY / (1 - BASE_PROBABILITY)))
    parameters = {"objective": "binary", "verbosity": -1, "seed": 1, "deterministic": True, "force_row_wise": True}
    data = lgb.Dataset(rows.values[known], y[known], weight=weights[known] / weights[known].mean())
    rounds = (60 if known.sum() < 10_000 else 200) if settings else 100
    booster = lgb.train(parameters | settings, data, rounds)
    return np.clip(np.asarray(booster.predict(later.values, raw_score=True), dtype=np.float64), -20.0, 20.0)


def _of_model(model: Model, rows: Rows) -> Floats:
    p = score_many(model, rows.values, rows.marks, [About(one.owner, one.custom) for one in rows.about]).probability
    return np.asarray(np.log(p / (1.0 - p)), dtype=np.float64)


def _log_loss(rows: Rows, log_odds: Floats) -> float:
    y, weights = converted_within(rows, 90)
    return float(np.average(np.logaddexp(0.0, log_odds) - y * log_odds, weights=weights))


def _ended(one: Pursuit) -> bool:
    return any(fact.kind in ("deal.closed", "lead.lost") and fact.occurred_at <= CUT for fact in one.facts)


def speed() -> dict[str, Any]:
    """Microseconds of one forecast with its factors, of a full explanation, and seconds for 100,000 leads anew."""
    leads = [one for seed in range(3) for one in pursuits(seed)]
    began = perf_counter()
    rows = landmark_rows(leads, NOW.timestamp(), context_at)
    read = perf_counter()
    model = learn(rows)
    learned = perf_counter()
    at = NOW.timestamp()
    states = []
    for one in leads[:2_000]:
        state = EMPTY
        for fact in one.facts:
            state = fold(state, fact)
        if state.stage not in ("closed", "lost"):
            states.append((state, About(one.owner, one.custom)))
    context = context_at(at)

    def explained(state: Any, about: About) -> None:
        made = forecast_with(model, state, at, context, about)
        explain(state, made, at, 32)
        curve_of(model.shape, made.probability, model.base_probability, made.values)

    many = [states[i % len(states)] for i in range(100_000)]
    start = perf_counter()
    matrix = as_matrix([feature_values(state, at, context) for state, _ in many])
    score_many(model, matrix, [state.sources for state, _ in many], [about for _, about in many])
    whole = perf_counter() - start
    return {
        "leads": len(leads),
        "rows": len(rows),
        "rows_seconds": round(read - began, 2),
        "learn_seconds": round(learned - read, 2),
        "trees": len(model.trees),
        "forecast_microseconds": _middle(lambda s, a: forecast_with(model, s, at, context, a), states),
        "explanation_microseconds": _middle(explained, states),
        "hundred_thousand_seconds": round(whole, 2),
    }


def _middle(call: Callable[[Any, About], Any], states: Sequence[tuple[Any, About]]) -> float:
    times = []
    for state, about in states[:1_000]:
        start = perf_counter()
        call(state, about)
        times.append(perf_counter() - start)
    return round(median(times) * 1e6, 1)


def run(teams: int = 4, seeds_per_team: int = 6) -> dict[str, Any]:
    """Both parts, as the JSON document that `main` prints."""
    return {"log_loss": learning_curve(teams, seeds_per_team), "speed": speed()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", type=int, default=4)
    parser.add_argument("--seeds-per-team", type=int, default=6, help="simulations pooled into one team's past")
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        print(json.dumps(run(given.teams, given.seeds_per_team), indent=2))


if __name__ == "__main__":
    main()
