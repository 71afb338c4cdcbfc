from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls
from porchlight.kit.text import prefix_query, search_text, words

#: What a tsquery could stumble over is asked for more often than chance would.
ASKED = st.text(st.one_of(st.characters(), st.sampled_from("&|!():*<->'\"\\_. \x00\t²½ŉẛ̣İßaé5"))) | st.text(
    "0123456789 +-()."
)


@pytest.fixture(scope="module")
def connection(installation: Urls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(libpq_url(installation.app), autocommit=True) as connected:
        yield connected


def finds(connection: psycopg.Connection, query: str, text: str) -> bool:
    cursor = connection.execute("SELECT to_tsvector('simple', %s) @@ to_tsquery('simple', %s)", (text, query))
    [found] = cursor.fetchone() or [False]
    return bool(found)


@settings(deadline=None, max_examples=300)
@given(ASKED)
@example("a & b | !c <-> (d:* 'e'")
@example("\\")
@example("’t Hooft:*")
def test_whatever_is_asked_for_is_a_query_that_the_database_understands(
    connection: psycopg.Connection, asked: str
) -> None:
    query = prefix_query(asked)
    if query is not None:
        connection.execute("SELECT to_tsquery('simple', %s)", (query,))


@pytest.mark.parametrize("asked", ["x" * 5_000, "é" * 5_000, "7" * 5_000, "語" * 5_000])
def test_a_word_longer_than_the_database_takes_is_asked_for_all_the_same(
    connection: psycopg.Connection, asked: str
) -> None:
    query = prefix_query(asked)
    assert query is not None
    connection.execute("SELECT to_tsquery('simple', %s)", (query,))


LETTERS = st.text("abcdeéßøñÅŁ", min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=5), st.data())
def test_a_record_is_found_by_the_beginning_of_any_of_its_words(
    connection: psycopg.Connection, names: list[str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(names))
    asked = name[: data.draw(st.integers(1, len(name)))]
    query = prefix_query(asked.upper())
    assert query is not None
    assert finds(connection, query, search_text(names))


@pytest.mark.parametrize("asked", ["+1 (212) 555-0123", "212-555-0123", "2125550123", "555 0123", "555.0123"])
def test_a_phone_number_is_found_however_it_is_written(connection: psycopg.Connection, asked: str) -> None:
    query = prefix_query(asked)
    assert query is not None
    assert finds(connection, query, search_text(["Jo Doe", "+12125550123"]))
    assert not finds(connection, query, search_text(["Jo Doe", "+12125559999"]))


def test_every_word_asked_for_must_be_there(connection: psycopg.Connection) -> None:
    query = prefix_query("jo do")
    assert query == "jo:* & do:*"
    assert finds(connection, query, search_text(["Jo Doe"]))
    assert not finds(connection, query, search_text(["Jo Roe"]))


@pytest.mark.parametrize("asked", ["", "  ", "&|!", "()", "…"])
def test_asking_for_nothing_is_no_query(asked: str) -> None:
    assert prefix_query(asked) is None


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("José ÁLVAREZ", ["jose", "alvarez"]),
        ("Jose\u0301", ["jose"]),
        ("Straße", ["strasse"]),
        ("Nguyễn", ["nguyen"]),
        ("O’Brien-Smith", ["o", "brien", "smith"]),
        ("ﬁne", ["fine"]),
    ],
)
def test_words_have_neither_case_nor_accents(text: str, folded: list[str]) -> None:
    assert words(text) == folded


@given(st.text())
def test_words_of_words_are_the_same_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)
