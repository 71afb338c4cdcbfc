"""Levels of agreement: what they are, and that neither side comes first."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.identity.compare import compare_field
from porchlight.intelligence.identity.fields import recognise
from porchlight.intelligence.identity.levels import LEVELS, MISSING, Aspect, level_of_words
from porchlight.intelligence.identity.records import plan, prepare

WORDS = st.text(alphabet="abcdeon 019@.", min_size=1, max_size=10).map(str.strip).filter(bool)


def level(aspect: Aspect, left: str, right: str) -> str:
    words = np.array([left, right], object)
    return LEVELS[aspect][int(level_of_words(aspect, words, np.array([0]), np.array([1]))[0])].name


@pytest.mark.parametrize(
    ("aspect", "left", "right", "expected"),
    [
        ("given", "robert", "bob", "nickname"),
        ("given", "katherine", "kate", "nickname"),
        ("given", "robert", "robret", "one edit"),
        ("given", "robert", "r", "initial"),
        ("given", "robert", "alice", "different"),
        ("surname", "currie elles", "elles", "part"),
        ("surname", "smith", "smyth", "one edit"),
        ("birth_date", "19710624", "19712406", "day and month swapped"),
        ("birth_date", "19710624", "19710524", "one edit"),
        ("birth_date", "19710624", "19710608", "two of day, month, year"),
        ("birth_date", "19710624", "19711230", "same year"),
        ("email", "ann@example.com", "ann@mail.example.org", "same mailbox elsewhere"),
        ("phone", "+15185550100", "+17185550100", "same last seven"),
        ("postcode", "tq138df", "tq131aa", "same district"),
        ("street", "lubuma place", "lubumaplace", "run together"),
        ("city", "portsmouth", "portsmuoth", "few edits"),
    ],
)
def test_how_alike_two_values_are(aspect: Aspect, left: str, right: str, expected: str) -> None:
    assert level(aspect, left, right) == level(aspect, right, left) == expected


@given(st.sampled_from([aspect for aspect in LEVELS if aspect != "birth_date"]), WORDS, WORDS)
def test_levels_do_not_depend_on_the_side(aspect: Aspect, left: str, right: str) -> None:
    assert level(aspect, left, right) == level(aspect, right, left)


@given(st.from_regex(r"[0-9]{8}", fullmatch=True), st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_any_two_dates_can_be_compared(left: str, right: str) -> None:
    assert level("birth_date", left, right) == level("birth_date", right, left)


def test_swapped_names_agree_across_and_missing_ones_do_not_differ() -> None:
    table = pl.DataFrame(
        {"given_name": ["ann", "lee", "ann", ""], "surname": ["lee", "ann", "", "ann"], "x": ["1", "1", "2", "2"]}
    )
    fields = plan(table, recognise(table))
    records = prepare(table, fields)

    def levels(left: int, right: int) -> list[str]:
        found = [int(compare_field(records, f, np.array([left]), np.array([right])).level[0]) for f in fields[:2]]
        return [
            "missing" if one == MISSING else LEVELS[f.aspect][one].name for f, one in zip(fields, found, strict=False)
        ]

    assert levels(0, 1) == levels(1, 0) == ["in the other column"] * 2
    assert levels(0, 2) == ["exact", "missing"]
    assert levels(2, 3) == ["in the other column", "missing"], "one agreement across counts once"
