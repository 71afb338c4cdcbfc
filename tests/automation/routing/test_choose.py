from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.automation.routing.choose import REASONS, RoutingRequest, Seat, choose, choose_many, explain
from porchlight.automation.routing.working_hours import office_hours

MONDAY_NOON = datetime(2025, 3, 3, 18, tzinfo=UTC)  # in Chicago
MIDNIGHT = datetime(2025, 3, 4, 6, tzinfo=UTC)
NORTH, SOUTH = UUID(int=1001), UUID(int=1002)


def seat(number: int, **changes: object) -> Seat:
    usual = Seat(
        user_id=UUID(int=number),
        name=f"Agent {number}",
        team_id=NORTH,
        weight=1.0,
        capacity=None,
        open_leads=0,
        away_until=None,
        is_active=True,
        working_hours=office_hours(),
        time_zone="America/Chicago",
        credit=0.0,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def request(number: int = 1, **changes: object) -> RoutingRequest:
    return RoutingRequest(UUID(int=number), live=True, at=MONDAY_NOON)._replace(**changes)  # type: ignore[arg-type]


def reasons(seats: list[Seat], asked: RoutingRequest) -> dict[int, str]:
    return {one.user_id.int: one.reason_code for one in choose(seats, asked).considered}


def test_a_request_says_nothing_about_the_person() -> None:
    assert set(RoutingRequest._fields) == {
        "lead_id", "live", "at", "preferred_team_id", "preferred_owner_id",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_active": False}, "inactive"),
        ({"away_until": MONDAY_NOON + timedelta(days=1)}, "away"),
        ({"working_hours": office_hours("06:00", "07:00")}, "off_hours"),
        ({"time_zone": "Pacific/Auckland"}, "off_hours"),
        ({"capacity": 30, "open_leads": 30}, "at_capacity"),
        ({"team_id": SOUTH}, "other_team"),
        ({"team_id": None}, "other_team"),
    ],
)
def test_a_seat_that_cannot_take_the_lead_is_passed_by_for_a_reason(changes: dict[str, object], reason: str) -> None:
    choice = choose([seat(1, credit=5.0, **changes), seat(2)], request(preferred_team_id=NORTH))
    assert choice.chosen == UUID(int=2)
    assert [(one.reason_code, one.outcome) for one in choice.considered] == [
        ("next_in_turn", "chosen"),
        (reason, "unavailable"),
    ]
    assert choice.credits[UUID(int=1)] == 5.0


def test_an_absence_that_is_over_does_not_count() -> None:
    assert choose([seat(1, away_until=MONDAY_NOON)], request()).chosen == UUID(int=1)


def test_an_imported_book_is_dealt_out_at_any_hour() -> None:
    assert choose([seat(1)], request(at=MIDNIGHT)).rule == "waiting"
    assert choose([seat(1)], request(at=MIDNIGHT, live=False)).chosen == UUID(int=1)


def test_a_seat_without_hours_takes_leads_at_any_hour() -> None:
    assert choose([seat(1, working_hours=None)], request(at=MIDNIGHT)).chosen == UUID(int=1)


def test_a_lead_waits_when_nobody_is_free_and_nobody_pays() -> None:
    choice = choose([seat(1, capacity=0, credit=0.25), seat(2, is_active=False)], request())
    assert (choice.chosen, choice.rule) == (None, "waiting")
    assert choice.credits == {UUID(int=1): 0.25, UUID(int=2): 0.0}
    assert choose([], request()).chosen is None


def test_whoever_looks_after_the_person_gets_them_also_when_busy_or_away() -> None:
    busy = seat(2, capacity=1, open_leads=1, away_until=MONDAY_NOON + timedelta(days=9), team_id=SOUTH, credit=-0.5)
    choice = choose([seat(1), busy], request(preferred_owner_id=UUID(int=2), preferred_team_id=NORTH))
    assert (choice.chosen, choice.rule) == (UUID(int=2), "preferred_owner")
    assert reasons([seat(1), busy], request(preferred_owner_id=UUID(int=2))) == {2: "looks_after", 1: "looked_after"}
    assert choice.credits == {UUID(int=1): 0.0, UUID(int=2): -0.5}


@pytest.mark.parametrize("owner", [2, 77])
def test_an_owner_who_left_is_replaced_by_the_next_in_turn(owner: int) -> None:
    choice = choose([seat(1), seat(2, is_active=False)], request(preferred_owner_id=UUID(int=owner)))
    assert (choice.chosen, choice.rule) == (UUID(int=1), "fair_turn")


def test_the_one_furthest_behind_is_chosen_and_pays() -> None:
    choice = choose([seat(1, credit=-0.25), seat(2, credit=0.25)], request())
    assert choice.chosen == UUID(int=2)
    assert choice.credits == {UUID(int=1): 0.25, UUID(int=2): -0.25}
    assert [one.sentence for one in choice.considered] == [
        "Next in turn, 0.2 leads behind their fair share.",
        "Available, but another's turn comes first; 0.2 leads ahead of their fair share.",
    ]


def test_capacity_fills_up_within_a_batch_and_the_rest_wait() -> None:
    routing = choose_many([seat(1, capacity=2), seat(2, capacity=5, open_leads=4)], [request(n) for n in range(5)])
    assert [assignment.user_id and assignment.user_id.int for assignment in routing.assignments] == [
        1,
        2,
        1,
        None,
        None,
    ]
    assert routing.open_leads == {UUID(int=1): 2, UUID(int=2): 5}


def test_a_batch_keeps_to_each_requests_own_time_team_and_owner() -> None:
    seats = [seat(1), seat(2, team_id=SOUTH), seat(3, working_hours=None)]
    routing = choose_many(
        seats,
        [
            request(1, preferred_team_id=SOUTH),
            request(2, at=MIDNIGHT),
            request(3, preferred_owner_id=UUID(int=1)),
            request(4, preferred_team_id=SOUTH, at=MIDNIGHT),
        ],
    )
    assert [assignment.user_id and assignment.user_id.int for assignment in routing.assignments] == [2, 3, 1, None]


def test_a_trace_survives_json_and_reads_as_sentences() -> None:
    seats = [seat(1), seat(2, is_active=False), seat(3, capacity=3, open_leads=3)]
    trace = choose_many(seats, [request()]).assignments[0].trace
    assert explain(json.loads(json.dumps(trace))) == choose(seats, request()).considered
    assert "At capacity, with 3 open leads." in {one.sentence for one in explain(trace)}


def test_a_weight_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        seat(1, weight=0.0)


seats_of_a_team = st.lists(
    st.builds(
        lambda weight, capacity, open_leads, active, team, hours: {
            "weight": weight, "capacity": capacity, "open_leads": open_leads, "is_active": active,
            "team_id": team, "working_hours": hours,
        },
        st.sampled_from([0.5, 1.0, 2.0]),
        st.one_of(st.none(), st.integers(0, 8)),
        st.integers(0, 5),
        st.booleans(),
        st.sampled_from([NORTH, SOUTH, None]),
        st.sampled_from([None, office_hours(), office_hours("20:00", "23:00")]),
    ),
    max_size=6,
)  # fmt: skip
many_requests = st.lists(
    st.builds(
        RoutingRequest,
        lead_id=st.uuids(),
        live=st.booleans(),
        at=st.sampled_from([MONDAY_NOON, MIDNIGHT]),
        preferred_team_id=st.sampled_from([None, None, NORTH, SOUTH]),
        preferred_owner_id=st.one_of(st.none(), st.integers(0, 7).map(lambda number: UUID(int=number))),
    ),
    max_size=20,
)


@given(described=seats_of_a_team, requests=many_requests)
def test_a_batch_is_one_choice_after_the_other(
    described: list[dict[str, object]], requests: list[RoutingRequest]
) -> None:
    seats = [seat(number, **changes) for number, changes in enumerate(described)]
    routing = choose_many(seats, requests)
    for asked, assignment in zip(requests, routing.assignments, strict=True):
        choice = choose(seats, asked)
        assert (choice.chosen, choice.rule) == (assignment.user_id, assignment.rule)
        assert choice.considered == explain(assignment.trace)
        assert all(one.outcome == REASONS[one.reason_code][0] for one in choice.considered)
        assert {one.user_id for one in choice.considered} == {one.user_id for one in seats}
        assert [one.user_id for one in choice.considered if one.outcome == "chosen"] == (
            [] if choice.chosen is None else [choice.chosen]
        )
        seats = [
            replace(one, credit=choice.credits[one.user_id], open_leads=one.open_leads + (one.user_id == choice.chosen))
            for one in seats
        ]
    assert routing.credits == {one.user_id: one.credit for one in seats}
    assert routing.open_leads == {one.user_id: one.open_leads for one in seats}
    assert sum(routing.credits.values()) == pytest.approx(0, abs=1e-9)
