"""Normalisers: idempotent, never failing, and right about the forms that tables have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.identity import normalise
from porchlight.intelligence.identity.fields import Kind
from porchlight.intelligence.identity.normalise import Normaliser
from porchlight.intelligence.identity.plain import plain_form

NORMALISERS: dict[str, Normaliser] = {
    "text": normalise.text,
    "name": normalise.name,
    "email": normalise.email,
    "phone": normalise.phone,
    "British phone": partial(normalise.phone, region="GB"),
    "birth date": normalise.birth_date,
    "birth date, day first": partial(normalise.birth_date, day_first=True),
    "street": normalise.street,
    "state": normalise.state,
    "postcode": normalise.postcode,
}
CELLS = st.one_of(
    st.text(max_size=30),
    st.emails(),
    st.dates().map(str),
    st.from_regex(r"\+?[0-9 ().-]{5,18}", fullmatch=True),
    st.from_regex(r"(Mr|Mrs|Dr)\.? [A-Z][a-z]+( St| Ave)?", fullmatch=True),
    st.from_regex(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}", fullmatch=True),
)


@pytest.mark.parametrize("normaliser", NORMALISERS.values(), ids=NORMALISERS)
@given(cell=CELLS)
def test_a_normalised_value_stays_as_it_is(normaliser: Callable[[str], str | None], cell: str) -> None:
    once = normaliser(cell)
    assert once is None or once != ""
    assert once is None or normaliser(once) == once


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1980-03-09", "19800309"),
        ("19800309", "19800309"),
        ("3/9/1980", "19800309"),
        ("March 9, 1980", "19800309"),
        ("9 Mar 1980", "19800309"),
        ("1980-03-09T00:00:00Z", "19800309"),
        ("1980", "19800000"),
        ("soon", None),
    ],
)
def test_dates_of_every_kind_come_to_one_form(cell: str, expected: str | None) -> None:
    assert normalise.birth_date(cell) == expected


def test_a_column_tells_whether_the_day_comes_first() -> None:
    assert normalise.is_day_first(["03/04/1980", "25/12/1971"])
    assert not normalise.is_day_first(["03/04/1980", "12/25/1971"])
    assert normalise.birth_date("3/9/1980", day_first=True) == "19800903"


@given(st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True))
def test_the_short_way_for_american_numbers_comes_to_what_the_library_says(digits: str) -> None:
    written = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
    assert normalise.phone(written) == normalise.phone(f"tel:{written}") == f"+1{digits}"


def test_an_unanswered_cell_says_nothing() -> None:
    for cell in ("", "  ", "N/A", "null", "Unknown", "-"):
        assert normalise.text(cell) is None


def test_a_full_name_is_taken_apart() -> None:
    assert normalise.split_full_name("Dr. Ann van Lee") == ("ann", "lee")
    assert normalise.split_full_name("Lee, Ann Mary") == ("ann", "lee")
    assert normalise.split_full_name("Ann") == ("ann", None)
    assert normalise.split_full_name("") == (None, None)


@pytest.mark.parametrize("kind", ["given", "surname", "street", "city", "postcode", "email", "birth_date", "phone"])
@given(cells=st.lists(CELLS, min_size=1, max_size=5))
def test_the_short_way_for_whole_columns_comes_to_the_same(kind: Kind, cells: list[str]) -> None:
    form = plain_form(kind, "US")
    assert form is not None
    read = normalise.normaliser(kind)
    for cell, short in zip(cells, pl.DataFrame({"cell": cells}).select(form).to_series(), strict=True):
        assert short is None or short == read(cell)
