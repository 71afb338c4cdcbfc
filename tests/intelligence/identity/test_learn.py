"""Learning without labels: what it finds in made-up tables whose truth is known."""

from __future__ import annotations

import json
import random
from contextlib import nullcontext
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.identity.cluster import Pairs, persons, weigh_together
from porchlight.intelligence.identity.door import blocking_keys, candidates, compare_one, index
from porchlight.intelligence.identity.explain import waterfall
from porchlight.intelligence.identity.fields import recognise
from porchlight.intelligence.identity.model import from_json, to_json
from porchlight.intelligence.identity.resolve import Resolution, clusters, evidence_of, log2_odds, resolve

NAMES = st.sampled_from(["ann", "bob", "", "é", "李"])
IGNORED = frozenset({"person"})
GIVEN = ("james", "mary", "robert", "linda", "william", "susan", "thomas", "karen", "daniel", "nancy", "mark", "lisa")
SYLLABLES = ("ba", "der", "fin", "gor", "hul", "kam", "lon", "mer", "nok", "pel", "ros", "tav")


def table(people: int, seed: int = 1, *, families: bool = False) -> pl.DataFrame:
    """People of whom every third has a second record with a slip; in `families` two share all but name and birth."""
    dice = random.Random(seed)
    rows: list[tuple[str, ...]] = []
    home: tuple[str, ...] = ()
    for person in range(people):
        surname = "".join(dice.choice(SYLLABLES) for _ in range(3))
        if not families or person % 2 == 0:
            phone = f"518{dice.randrange(2_000_000, 9_999_999)}"
            home = (surname, phone, f"{dice.randrange(1, 999)} {dice.choice(SYLLABLES)}{dice.choice(SYLLABLES)} street")
        given_name = dice.choice([*GIVEN[:6], *GIVEN[6:]][person % 2 :: 2])
        born = f"{dice.randrange(1940, 2000)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
        email = f"{given_name}{dice.randrange(10_000)}@example.com"
        row = (given_name, home[0], born, email, home[1], home[2], str(person))
        rows.append(row)
        if person % 3 == 0:
            cells = list(row)
            cells[dice.randrange(6)] = ""
            at = dice.randrange(1, len(cells[1])) if cells[1] else 0
            cells[1] = cells[1][:at] + cells[1][at + 1 :]
            rows.append(tuple(cells))
    dice.shuffle(rows)
    names = ["first_name", "last_name", "dob", "email", "phone", "street", "person"]
    return pl.DataFrame(rows, schema=names, orient="row")


def f1(found: Resolution, label: list[str], least: float = 0.95) -> float:
    kept = found.pairs.log_odds >= log2_odds(least)
    got = set(zip(found.pairs.left[kept].tolist(), found.pairs.right[kept].tolist(), strict=True))
    rows: dict[str, list[int]] = {}
    for row, own in enumerate(label):
        rows.setdefault(own, []).append(row)
    true = {pair for of in rows.values() for pair in combinations(of, 2)}
    return 2 * len(got & true) / (len(got) + len(true))


@pytest.fixture(scope="module")
def found() -> Resolution:
    return resolve(table(600), ignore=IGNORED)


def test_duplicates_are_found_without_labels(found: Resolution) -> None:
    assert f1(found, table(600)["person"].to_list()) > 0.98
    assert found.model.card.matches == pytest.approx(200, rel=0.1)
    assert found.model.card.recall > 0.95


def test_a_family_under_one_roof_is_not_one_person() -> None:
    people = table(900, families=True)
    assert f1(resolve(people, ignore=IGNORED), people["person"].to_list()) > 0.97


def test_a_table_without_duplicates_has_no_pairs() -> None:
    people = table(400).unique("person", maintain_order=True)
    found = resolve(people, ignore=IGNORED)
    assert int((found.probabilities() >= 0.95).sum()) == 0


def test_two_tables_without_duplicates_are_linked_one_to_one() -> None:
    people = table(900)
    ours = people.unique("person", keep="first", maintain_order=True)
    theirs = people.filter(pl.col("person").is_duplicated()).unique("person", keep="last", maintain_order=True)
    renamed = theirs.rename({"first_name": "given name", "email": "mail"})
    found = resolve(ours, renamed, IGNORED)
    assert found.one_to_one
    kept = found.probabilities() >= 0.95
    left, right = found.pairs.left[kept], found.pairs.right[kept] - ours.height
    assert (ours["person"].to_numpy()[left] == theirs["person"].to_numpy()[right]).mean() > 0.99
    assert len(left) > 0.97 * theirs.height


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_who_is_together(dice: random.Random) -> None:
    people = table(150)
    order = list(range(people.height))
    dice.shuffle(order)
    shuffled = people[order]
    names = people.with_row_index("row")["row"].to_list()

    def groups(of: pl.DataFrame, rows: list[int]) -> set[frozenset[int]]:
        label = clusters(resolve(of, ignore=IGNORED), of.height, 0.95).tolist()
        return {frozenset(r for r, own in zip(rows, label, strict=True) if own == one) for one in set(label)}

    assert groups(people, names) == groups(shuffled, order)


def test_either_side_gives_the_same_weights(found: Resolution) -> None:
    dice = np.random.default_rng(3)
    left, right = dice.integers(0, 600, 5_000), dice.integers(0, 600, 5_000)
    one, other = evidence_of(found, left, right), evidence_of(found, right, left)
    for a, b in zip([*one.weights, one.log_odds], [*other.weights, other.log_odds], strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_waterfall_adds_up(found: Resolution) -> None:
    left, right = found.pairs.left[:20], found.pairs.right[:20]
    whole = evidence_of(found, left, right)
    for n in range(20):
        steps = waterfall(found.scorer, int(left[n]), int(right[n]), whole.of_pair(n), float(found.pairs.log_odds[n]))
        assert sum(step.bits for step in steps) == pytest.approx(float(found.pairs.log_odds[n]))


def test_a_model_comes_back_from_json(found: Resolution) -> None:
    again = from_json(json.loads(json.dumps(to_json(found.model))))
    rows = table(600).rows(named=True)
    assert compare_one(again, rows[0], rows[:50]) == compare_one(found.model, rows[0], rows[:50])
    assert replace(again, kinds=()) == replace(found.model, kinds=())


def test_a_newcomer_is_found_among_those_who_are_known(found: Resolution) -> None:
    people = table(600)
    filed = index(found.model, people)
    rows = people.rows(named=True)
    for row in range(60):
        newcomer = {**rows[row], "street": None}
        near = candidates(filed, newcomer)
        assert row in near
        beside = compare_one(found.model, newcomer, [rows[one] for one in near])
        assert beside[near.index(row)].probability > 0.95


def test_keys_are_the_same_whoever_else_is_there(found: Resolution) -> None:
    rows = table(600).rows(named=True)
    keys = blocking_keys(found.model, rows[5])
    assert keys == blocking_keys(found.model, dict(rows[5]))
    assert all(-(2**63) <= key < 2**63 for key in keys)
    swapped = {**rows[5], "first_name": rows[5]["last_name"], "last_name": rows[5]["first_name"]}
    assert set(keys) & set(blocking_keys(found.model, swapped))


def test_a_chain_of_strangers_does_not_hold() -> None:
    left, right = np.arange(9), np.arange(1, 10)
    chain = Pairs(left, right, np.full(9, 6.0))
    apart = weigh_together(chain, 10, -12.0, lambda a, b: np.where(b - a == 1, 6.0, -30.0))
    label = persons(apart, 10, log2_odds(0.95))
    assert max(np.bincount(label)) <= 2


def test_tables_without_usable_columns_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="No column says who a person is"):
        resolve(pl.DataFrame({"a": ["", ""], "b": ["x", "x"]}))
    with pytest.raises(ValueError, match="no column in common"):
        resolve(pl.DataFrame({"a": ["1", "2"]}), pl.DataFrame({"b": ["1", "2"]}))
    with pytest.raises(ValueError, match="two records"):
        resolve(pl.DataFrame({"name": ["Ann Lee"]}))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.text(max_size=6), st.sampled_from(["1980-01-01", "x", ""])), min_size=2, max_size=12)
)
def test_no_table_breaks_it(rows: list[tuple[str, str, str]]) -> None:
    people = pl.DataFrame(rows, schema={"name": pl.String, "phone": pl.String, "dob": pl.String}, orient="row")
    usable = any(column.kind is not None for column in recognise(people))
    with nullcontext() if usable else pytest.raises(ValueError, match="No column"):
        assert np.isfinite(resolve(people).pairs.log_odds).all()


def test_namesakes_with_addresses_made_of_their_name_are_not_one_person() -> None:
    dice = random.Random(5)
    rows = []
    for person in range(1_500):
        first, last = dice.choice(GIVEN), dice.choice(SYLLABLES) + dice.choice(SYLLABLES)
        email, phone = f"{first}.{last}{person}@example.com", f"518{dice.randrange(2_000_000, 9_999_999)}"
        rows.append((first, last, email, phone, str(person)))
        if person % 5 == 0:
            rows.append((first, last, *dice.choice([("", phone), (email, "")]), str(person)))
    people = pl.DataFrame(rows, schema=["first name", "last name", "email", "phone", "person"], orient="row")
    assert f1(resolve(people, ignore=IGNORED), people["person"].to_list()) > 0.97
