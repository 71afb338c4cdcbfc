from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, Context, Fact, decode, encode, feature_values, fold
from porchlight.intelligence.conversion.history.landmarks import (
    CONVERTED,
    LANDMARKS_AT_MOST,
    LOST,
    OPEN,
    Pursuit,
    as_matrix,
    converted_within,
    landmark_rows,
    moments,
)

DAY = 86_400.0
START = 1_700_000_000.0
END = START + 500 * DAY
histories = st.lists(st.from_type(Fact), max_size=20)


def context_at(at: float) -> Context:
    return Context(season=0.9 if int(at // (30 * DAY)) % 2 else 1.1)


def pursuit(*facts: tuple[str, float]) -> Pursuit:
    """Facts by kind and day."""
    return Pursuit("lead", [Fact(kind, START + day * DAY, {}) for kind, day in facts])


def outcomes(lead: Pursuit, as_of: float = END) -> list[tuple[int, float]]:
    rows = landmark_rows([lead], as_of, context_at)
    return [(int(event), float(days)) for event, days in zip(rows.event, rows.days, strict=True)]


def served(facts: Sequence[Fact], at: float) -> tuple[float | None, ...]:
    """The features as the server has them: state by state through the codec, facts as they were recorded."""
    state, clock = EMPTY, 0.0
    for fact in facts:
        clock = max(clock, fact.occurred_at)
        if clock > at:
            break
        state = fold(decode(encode(state)), fact)
    return feature_values(state, at, context_at(at))


@settings(max_examples=80, deadline=None)
@given(histories)
def test_training_features_are_those_that_served_to_the_bit(facts: list[Fact]) -> None:
    lead = Pursuit("lead", [Fact("lead.captured", START, {}), *facts])
    rows = landmark_rows([lead], END, context_at)
    assert len(rows) > 0
    expected = as_matrix([served(lead.facts, at) for at in rows.at])
    assert rows.values.tobytes() == expected.tobytes()


@settings(max_examples=80, deadline=None)
@given(histories, histories, st.floats(0, 400))
def test_what_comes_later_changes_no_earlier_row(facts: list[Fact], others: list[Fact], day: float) -> None:
    cut = START + day * DAY
    past = [Fact("lead.captured", START, {}), *sorted((f for f in facts if f.occurred_at <= cut), key=_time)]

    def rows(later: list[Fact]) -> list[tuple[float, bytes, tuple[int, ...]]]:
        future = [fact for fact in later if fact.occurred_at > cut]
        found = landmark_rows([Pursuit("lead", [*past, *future])], END, context_at)
        return [(at, found.values[i].tobytes(), found.marks[i]) for i, at in enumerate(found.at) if at <= cut]

    assert rows(facts) == rows(others)


def _time(fact: Fact) -> float:
    return fact.occurred_at


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 400))
def test_nothing_after_the_end_of_what_is_known_is_read(facts: list[Fact], day: float) -> None:
    as_of = START + day * DAY
    ordered = sorted(facts, key=_time)
    known = [fact for fact in ordered if fact.occurred_at <= as_of]
    with_future = landmark_rows([Pursuit("lead", ordered)], as_of, context_at)
    without = landmark_rows([Pursuit("lead", known)], as_of, context_at)
    assert with_future.values.tobytes() == without.values.tobytes()
    assert with_future.event.tolist() == without.event.tolist()
    assert with_future.days.tobytes() == without.days.tobytes()


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 400))
def test_rows_cut_back_to_a_day_are_the_rows_made_on_that_day(facts: list[Fact], day: float) -> None:
    lead = Pursuit("lead", [Fact("lead.captured", START, {}), *sorted(facts, key=_time)])
    if any(fact.kind in ("lead.reopened", "stage.changed") for fact in facts):
        return  # whether a loss is taken back later cannot be known on the day
    cut = START + day * DAY
    then, now = landmark_rows([lead], cut, context_at), landmark_rows([lead], END, context_at).known_at(cut)
    assert then.at.tolist() == now.at.tolist()
    assert then.values.tobytes() == now.values.tobytes()
    assert then.event.tolist() == now.event.tolist()
    assert then.days == pytest.approx(now.days, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(histories)
def test_rows_are_taken_only_while_the_lead_is_open_and_not_too_many(facts: list[Fact]) -> None:
    found = moments(Pursuit("lead", facts), END)
    assert len(found) <= LANDMARKS_AT_MOST
    assert [moment.at for moment in found] == sorted({moment.at for moment in found})
    assert all(moment.state.stage not in ("closed", "lost") for moment in found)


def test_what_follows_an_end_that_came_in_with_the_lead_does_not_date_it() -> None:
    [(event, days)] = outcomes(pursuit(("lead.captured", 0), ("lead.lost", 0), ("call.attempted", 30)))
    assert event == LOST
    assert days != days  # not a number: nobody knows


def test_a_row_says_how_many_days_it_took() -> None:
    assert outcomes(pursuit(("lead.captured", 0), ("deal.closed", 2))) == [(CONVERTED, 2.0), (CONVERTED, 1.0)]
    assert outcomes(pursuit(("lead.captured", 0), ("lead.lost", 1))) == [(LOST, 1.0)]
    assert outcomes(pursuit(("lead.captured", 0)), START + 2 * DAY) == [(OPEN, 2.0), (OPEN, 1.0)]


def test_a_loss_that_was_taken_back_is_none() -> None:
    lead = pursuit(("lead.captured", 0), ("lead.lost", 2), ("lead.reopened", 5), ("deal.closed", 20))
    assert outcomes(lead)[0] == (CONVERTED, 20.0)
    assert outcomes(lead, START + 10 * DAY)[0] == (OPEN, 10.0)
    assert outcomes(lead, START + 4 * DAY)[0] == (LOST, 2.0)


def test_a_result_without_a_date_gives_one_row_as_the_lead_came() -> None:
    rows = landmark_rows([pursuit(("lead.captured", 0), ("deal.closed", 0))], END, context_at)
    assert rows.event.tolist() == [CONVERTED]
    assert np.isnan(rows.days).all()
    assert converted_within(rows, 90)[0].tolist() == [1.0]


def test_of_an_imported_result_only_the_capture_is_a_row() -> None:
    lead = Pursuit("lead", pursuit(("lead.captured", 0), ("lead.lost", 40)).facts, result_only=True)
    assert outcomes(lead) == [(LOST, 40.0)]


def test_rows_weigh_as_much_as_there_are_leads_and_never_by_what_became_of_them() -> None:
    rows = landmark_rows(
        [pursuit(("lead.captured", 0)), pursuit(("lead.captured", 0), ("lead.lost", 5))], END, context_at
    )
    assert rows.weights.sum() == pytest.approx(2.0)
    assert len(set(rows.weights)) == 1


def test_rows_that_were_not_followed_for_long_enough_are_stood_for_by_others() -> None:
    """Half of the leads came too late to be told yet: only their early deals are known, and must not count double."""
    dice = np.random.default_rng(1)
    leads = []
    for number in range(4_000):
        captured = -90.0 * (number % 2) - 20.0
        days = dice.exponential(90.0)
        leads.append(pursuit(("lead.captured", captured), ("deal.closed", captured + days)))
    rows = landmark_rows(leads, START, context_at)
    y, weights = converted_within(rows, 90)
    naive = y[(rows.event == CONVERTED) | (rows.followed >= 90)].mean()
    assert np.average(y, weights=weights) == pytest.approx(1 - np.exp(-1), abs=0.02)
    assert naive > 0.7
