"""Small histories made by a rule, so that what a model ought to learn is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from porchlight.intelligence.conversion import Context, Fact
from porchlight.intelligence.conversion.history.correction import learn
from porchlight.intelligence.conversion.history.landmarks import Pursuit, Rows, landmark_rows
from porchlight.intelligence.conversion.history.model import Model

DAY = 86_400.0
START = 1_700_000_000.0
AS_OF = START + 400 * DAY


def context_at(at: float) -> Context:
    return Context()


@cache
def made_up(leads: int, seed: int = 0) -> tuple[Pursuit, ...]:
    """Leads over a year. Those who search convert, those who save homes do not, whatever the scorecard thinks; leads of
    the door `Referral` do so three times as often."""
    dice = np.random.default_rng(seed)
    found = []
    for number in range(leads):
        captured = START + 300 * DAY * number / leads
        searches, saves, referred = dice.random() < 0.4, dice.random() < 0.4, dice.random() < 0.3
        source = "Referral" if referred else "Portal"
        facts = [Fact("lead.captured", captured, {}, source)]
        facts += [Fact("search.performed", captured + hour * 3_600, {}) for hour in range(1, 6) if searches]
        facts += [Fact("listing.saved", captured + hour * 3_600, {}) for hour in range(6, 11) if saves]
        chance = (0.5 if searches else 0.03) * (0.2 if saves else 1.0) * (1.0 if referred else 0.35)
        ends = captured + dice.uniform(5, 80) * DAY
        facts.append(Fact("deal.closed" if dice.random() < chance else "lead.lost", ends, {}))
        facts.insert(-1, Fact("message.received", captured + 20_000, {}))
        facts.sort(key=lambda fact: fact.occurred_at)
        campaign = {"campaign": "spring" if dice.random() < 0.5 else "autumn", "Gender": "m" if searches else "f"}
        found.append(Pursuit(f"{number}", tuple(facts), campaign, source, f"agent {number % 3}"))
    return tuple(found)


@cache
def rows_of(leads: int, seed: int = 0) -> Rows:
    return landmark_rows(made_up(leads, seed), AS_OF, context_at)


@pytest.fixture(scope="session")
def rows() -> Rows:
    """A thousand leads."""
    return rows_of(1_000)


@pytest.fixture(scope="session")
def later() -> Rows:
    """Other leads of the same world."""
    return rows_of(600, seed=1)


@pytest.fixture(scope="session")
def model(rows: Rows) -> Model:
    return learn(rows)
