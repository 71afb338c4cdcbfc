"""What a track record says of forecasts that are right, wrong in level, or worth nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from porchlight.leads.learning.tables import FEWEST_CLOSINGS
from porchlight.leads.learning.track_record import Served, month_name, review

SOURCES, AGENTS = ("Portal", "Referral", "Website"), tuple(f"agent-{n}" for n in range(8))


def served(leads: int = 4_000, *, seed: int = 5, said_times: float = 1.0, luck: Any = None) -> Served:
    """Forecasts that are right but for `said_times`; `luck` is how many times more often each agent's leads close."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(0.6, 8, leads)
    agent = rng.integers(-1, len(AGENTS), leads)
    times = np.ones(len(AGENTS) + 1) if luck is None else np.array([*luck, 1.0])
    won = (rng.random(leads) < np.clip(truth * times[agent], 0, 1)).astype(float)
    return Served(
        lead=np.arange(leads),
        month=2026 * 12 + rng.integers(0, 6, leads),
        said=np.clip(truth * said_times, 0, 1),
        won=won,
        settled=np.ones(leads, dtype=bool),
        live=np.ones(leads, dtype=bool),
        source=rng.integers(0, len(SOURCES), leads),
        agent=agent,
        version=np.zeros(leads, dtype=np.int64),
        sources=SOURCES,
        agents=AGENTS,
        versions=("prior-1",),
    )


def changed(given: Served, **columns: Any) -> Served:
    return Served(**{name: columns.get(name, getattr(given, name)) for name in Served.__slots__})


def test_forecasts_that_come_true_are_trustworthy() -> None:
    record = review(served())
    assert record["state"] == "trustworthy"
    assert record["measures"]["ratio"]["low"] < 1 < record["measures"]["ratio"]["high"]
    assert all(one["low"] <= one["said"] <= one["high"] for one in record["reliability"][-3:])


def test_forecasts_at_half_the_level_can_be_trusted_in_their_order_only() -> None:
    record = review(served(said_times=0.5))
    assert record["state"] == "order_only"
    assert record["measures"]["ratio"]["value"] == pytest.approx(2, rel=0.1)


def test_forecasts_that_know_nothing_are_said_to_tell_nothing() -> None:
    right = served()
    record = review(changed(right, said=np.random.default_rng(1).permutation(right.said)))
    assert record["state"] == "tells_nothing"


def test_few_closings_are_too_early_whatever_they_show() -> None:
    right = served()
    few = np.zeros_like(right.won)
    few[np.flatnonzero(right.won)[: FEWEST_CLOSINGS - 1]] = 1.0
    record = review(changed(right, won=few))
    assert (record["state"], record["closings"]) == ("too_early", FEWEST_CLOSINGS - 1)
    assert "measures" not in record


def test_nothing_served_is_too_early() -> None:
    nothing = changed(served(40), settled=np.zeros(40, dtype=bool))
    record = review(nothing)
    assert (record["state"], record["rows"], record["waiting"], record["first"]) == ("too_early", 0, 40, None)


def test_forecasts_whose_90_days_are_not_over_count_neither_way() -> None:
    right = served()
    half = np.arange(len(right.lead)) % 2 == 0
    wrong = changed(right, said=np.where(half, right.said, 1 - right.said), settled=half)
    kept = {
        name: getattr(right, name)[half] for name in Served.__slots__ if name not in ("sources", "agents", "versions")
    }
    assert review(wrong)["measures"] == review(changed(right, **kept))["measures"]


def test_what_was_worked_out_later_is_left_aside_once_enough_was_said_live() -> None:
    right = served()
    live = np.arange(len(right.lead)) % 2 == 0
    mixed = changed(right, live=live, said=np.where(live, right.said, 1 - right.said))
    assert review(mixed)["state"] == "trustworthy"
    assert review(mixed)["live"] == 1.0
    assert review(changed(mixed, live=np.zeros_like(live)))["live"] == 0.0


def test_agents_that_do_not_differ_are_not_told_apart() -> None:
    found = [review(served(seed=seed)) for seed in range(40)]
    assert sum(record["agents_differ"] for record in found) <= 5
    assert not any(agent["differs"] for agent in found[0]["agents"])


def test_an_agent_whose_leads_close_far_more_often_stands_out_and_the_others_do_not() -> None:
    record = review(served(12_000, luck=[2.5] + [1] * 7))
    assert record["agents_differ"]
    assert [agent["name"] for agent in record["agents"] if agent["differs"] > 0] == ["agent-0"]
    best = record["agents"][0]
    assert 1 < best["ratio"]["value"] < best["happened"] / best["due"] * 1.001


def test_the_record_is_plain_values_that_the_database_keeps() -> None:
    record = review(served(12_000, luck=[2.5] + [1] * 7))
    assert orjson.loads(orjson.dumps(record)) == record


def test_a_wrong_level_of_the_team_is_no_difference_of_its_agents() -> None:
    assert not review(served(said_times=0.3))["agents_differ"]


def test_months_and_versions_add_up_to_all_rows() -> None:
    record = review(served())
    assert sum(month["rows"] for month in record["months"]) == record["rows"]
    assert [month["month"] for month in record["months"]] == [f"2026-{n:02d}" for n in range(1, 7)]
    assert record["versions"] == [
        pytest.approx(
            {"version": "prior-1", "rows": record["rows"]}
            | {name: record["measures"][name]["value"] for name in ("said", "happened")}
        )
    ]


def test_the_deeper_one_calls_the_more_closings_are_reached() -> None:
    reached = [depth["reached"] for depth in review(served())["depths"]]
    assert reached == sorted(reached)
    assert reached[1] == pytest.approx(review(served())["measures"]["top"]["value"], abs=0.01)


def test_month_names_are_those_of_the_calendar() -> None:
    assert (month_name(2026 * 12), month_name(2026 * 12 + 11)) == ("2026-01", "2026-12")
