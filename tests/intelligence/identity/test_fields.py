"""Columns told by their names and content."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.identity.fields import find_id, recognise
from porchlight.intelligence.identity.records import plan, prepare


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("First Name", "given"), ("given_name", "given"), ("forename", "given"), ("firstName", "given"),
        ("Last Name", "surname"), ("surname", "surname"), ("Full Name", "full_name"), ("name", "full_name"),
        ("E-mail", "email"), ("Email Address 1", "email"), ("Mobile Phone", "phone"), ("phone", "phone"),
        ("dob", "birth_date"), ("date_of_birth", "birth_date"), ("birth_place", "city"), ("address_1", "street"),
        ("Street Address", "street"), ("street_number", "number"), ("ZIP", "postcode"), ("postcode_fake", "postcode"),
        ("suburb", "city"), ("State", "state"), ("occupation", "occupation"), ("favourite colour", "other"),
    ],
)  # fmt: skip
def test_a_column_is_known_by_its_name(name: str, kind: str) -> None:
    table = pl.DataFrame({name: ["aa", "bb", "aa"]})
    assert recognise(table)[0].kind == kind


def test_a_column_without_a_telling_name_is_known_by_its_content() -> None:
    table = pl.DataFrame(
        {
            "contact": ["ann@example.com", "bob@example.com", ""],
            "call": ["(518) 555-0100", "+1 518 555 0101", "518-555-0102"],
            "since": ["1980-02-01", "1991-12-31", "1975-06-15"],
        }
    )
    assert [column.kind for column in recognise(table)] == ["email", "phone", "birth_date"]


def test_columns_that_tell_nothing_are_left_out_with_the_reason() -> None:
    rows = 30
    table = pl.DataFrame(
        {
            "empty": [""] * rows,
            "same": ["x"] * rows,
            "serial": [f"s{n}" for n in range(rows)],
            "note": ["long " * 30] * (rows - 1) + ["x"],
        }
    )
    assert {column.name: column.why for column in recognise(table)} == {
        "empty": "empty",
        "same": "the same in every row",
        "serial": "different in every row",
        "note": "long text",
    }


def test_an_identifier_must_be_different_in_every_row() -> None:
    assert find_id(pl.DataFrame({"n": ["1", "2"], "Lead ID": ["a", "b"]})) == "Lead ID"
    assert find_id(pl.DataFrame({"Lead ID": ["a", "a"]})) is None


def test_a_full_name_that_only_repeats_the_names_is_not_compared_again() -> None:
    table = pl.DataFrame(
        {
            "first_name": ["Ann", "Bob"],
            "surname": ["Lee", "Ray"],
            "name": ["Ann Lee", "Bob Ray"],
            "full_name": ["Ann Mary Lee", "Bob Ray"],
        }
    )
    fields = plan(table, recognise(table))
    assert [(field.name, field.aspect) for field in fields] == [
        ("first_name", "given"),
        ("surname", "surname"),
        ("full_name", "names"),
    ]
    records = prepare(table, fields)
    assert records.words["full_name"].tolist() == ["mary"]


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8), st.sampled_from(["name", "phone", "dob", "zip", "x"]))
def test_any_column_can_be_prepared(cells: list[str], name: str) -> None:
    table = pl.DataFrame({name: cells}, schema={name: pl.String})
    records = prepare(table, plan(table, recognise(table)))
    assert records.size == len(cells)
