from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.automation.routing.deficit import earned, limit, next_turn

weights_of_seats = st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0, 7.0]), min_size=1, max_size=12)


def assign(credits: list[float], weights: Sequence[float], available: Sequence[int], loads: Sequence[int]) -> int:
    """One assignment among the available seats, in place; gives the seat that got it."""
    after = earned([credits[seat] for seat in available], [weights[seat] for seat in available])
    turn = next_turn(after, [weights[seat] for seat in available], [loads[seat] for seat in available])
    after[turn] -= 1
    for seat, credit in zip(available, after, strict=True):
        credits[seat] = credit
    return available[turn]


def test_the_limit_is_less_than_one_lead() -> None:
    assert [limit(seats) for seats in (1, 2, 3, 12)] == [0.0, 0.5, 0.75, pytest.approx(1 - 1 / 22)]


@given(weights=weights_of_seats)
def test_nobody_is_a_whole_lead_ahead_or_behind_while_the_same_seats_are_there(weights: list[float]) -> None:
    credits = [0.0] * len(weights)
    seats = range(len(weights))
    for _ in range(300):
        assign(credits, weights, seats, [0] * len(weights))
        assert max(map(abs, credits)) <= limit(len(weights)) + 1e-9
        assert sum(credits) == pytest.approx(0, abs=1e-9)


@given(weights=weights_of_seats, data=st.data())
def test_credits_stay_bounded_however_seats_come_and_go(weights: list[float], data: st.DataObject) -> None:
    credits = [0.0] * len(weights)
    everyone = list(range(len(weights)))
    shifts = data.draw(
        st.lists(st.tuples(st.sets(st.sampled_from(everyone), min_size=1), st.integers(1, 15)), min_size=1, max_size=15)
    )
    for available, leads in shifts:
        for _ in range(leads):
            before = list(credits)
            assign(credits, weights, sorted(available), [0] * len(weights))
            assert all(credits[seat] == before[seat] for seat in everyone if seat not in available)
            assert sum(credits) == pytest.approx(0, abs=1e-9)
            assert max(map(abs, credits)) <= max(len(weights) - 1.5, 0) + 1e-9


@given(seats=st.integers(1, 12), loads=st.data())
def test_equal_weights_are_exact_round_robin(seats: int, loads: st.DataObject) -> None:
    open_leads = loads.draw(st.lists(st.integers(0, 50), min_size=seats, max_size=seats))
    credits = [0.0] * seats
    turns = []
    for _ in range(60 * seats):
        turn = assign(credits, [1.0] * seats, range(seats), open_leads)
        open_leads[turn] += 1
        turns.append(turn)
    assert sorted(turns[:seats]) == list(range(seats))
    assert turns == turns[:seats] * 60


def test_a_seat_with_twice_the_weight_gets_twice_the_leads() -> None:
    credits = [0.0, 0.0, 0.0]
    turns = [assign(credits, [2.0, 1.0, 1.0], range(3), [0, 0, 0]) for _ in range(400)]
    assert [turns.count(seat) for seat in range(3)] == [200, 100, 100]


def test_a_tie_goes_to_the_fewest_open_leads_for_the_weight_then_to_the_first() -> None:
    assert next_turn([0.5, 0.5], [1.0, 1.0], [4, 3]) == 1
    assert next_turn([0.5, 0.5], [1.0, 1.0], [3, 3]) == 0


def test_whoever_comes_back_is_not_flooded() -> None:
    credits = [0.0] * 4
    for _ in range(100):
        assign(credits, [1.0] * 4, [0, 1, 2], [0] * 4)
    turns = [assign(credits, [1.0] * 4, range(4), [0] * 4) for _ in range(40)]
    assert max(turns[start : start + 5].count(3) for start in range(36)) <= 2
    assert abs(turns.count(3) - 10) <= 1


def test_a_seat_long_overdue_comes_first() -> None:
    assert next_turn([0.2, 3.0, 1.2], [5.0, 1.0, 5.0], [0, 0, 0]) == 1


def test_the_least_ahead_comes_first_when_all_are_ahead() -> None:
    assert next_turn([-0.9, -0.2, -0.5], [1.0, 1.0, 1.0], [0, 0, 0]) == 1
