"""What must never move a forecast."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, Context, Fact, encode, fold, forecast, next_best_action

FORBIDDEN: dict[str, st.SearchStrategy[Any]] = {
    key: st.text(max_size=12) | st.integers(0, 120) | st.booleans()
    for key in (
        "first_name", "last_name", "name", "email", "phone", "address", "zip", "postal_code", "age", "birth_date",
        "sex", "gender", "race", "ethnicity", "religion", "national_origin", "language", "disability", "veteran",
        "marital_status", "familial_status", "children", "pregnant", "divorced", "widowed", "income_source",
        "neighborhood_demographics", "school_district", "employer", "text",
    )
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.from_type(Fact), st.fixed_dictionaries({}, optional=FORBIDDEN)), min_size=1, max_size=15))
def test_personal_traits_in_payloads_change_nothing_at_all(told: list[tuple[Fact, dict[str, Any]]]) -> None:
    plain = reduce(fold, (fact for fact, _ in told), EMPTY)
    laden = reduce(fold, (fact._replace(payload={**traits, **fact.payload}) for fact, traits in told), EMPTY)
    at = max(fact.occurred_at for fact, _ in told)
    assert encode(laden) == encode(plain)
    assert forecast(laden, at) == forecast(plain, at)


def renamed(value: Any) -> Any:
    return [renamed(item) for item in value] if isinstance(value, list) else f"78{sum(map(ord, value)):04}"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_type(Fact), max_size=20), st.none() | st.floats(0.5, 12))
def test_which_area_it_is_does_not_matter_only_whether_it_is_the_same(facts: list[Fact], supply: float | None) -> None:
    elsewhere = [
        fact._replace(
            payload={
                key: renamed(value) if key in ("area", "areas", "city") else value
                for key, value in fact.payload.items()
            },
            source=fact.source and f"{fact.source} renamed",
        )
        for fact in facts
    ]
    at = max((fact.occurred_at for fact in facts), default=1e9)
    here, there = (reduce(fold, told, EMPTY) for told in (facts, elsewhere))
    result = forecast(here, at, Context(months_of_supply=supply))
    assert forecast(there, at, Context(months_of_supply=supply)) == result
    assert next_best_action(there, result, at) == next_best_action(here, result, at)
