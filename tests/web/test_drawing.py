from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from porchlight.web.drawing import diverging, score_line, waterfall
from porchlight.web.vocabulary import FACTORS

NOW = datetime(2026, 3, 12, 15, 4, tzinfo=UTC)
values = st.lists(st.floats(-4, 4), min_size=len(FACTORS), max_size=len(FACTORS))


def factors(numbers: list[float]) -> list[dict[str, object]]:
    return [{"name": name, "value": value, "because": None} for name, value in zip(FACTORS, numbers, strict=True)]


@given(values)
def test_the_bars_of_a_waterfall_join_from_the_average_to_the_score(numbers: list[float]) -> None:
    picture = waterfall(factors(numbers))
    assert picture.bars[0].start == picture.zero
    assert all(abs(one.end - other.start) < 0.02 for one, other in pairwise(picture.bars))
    assert abs(picture.bars[-1].end - picture.finish) < 0.02
    assert round(sum(bar.value for bar in picture.bars), 2) == picture.total


@given(values)
def test_everything_stays_inside_the_picture(numbers: list[float]) -> None:
    picture = waterfall(factors(numbers))
    for bar in [*picture.bars, *diverging(factors(numbers)).bars]:
        assert bar.x >= 0
        assert bar.x + bar.width <= 100.5
    assert all(0 <= x <= 100 for x, _ in picture.ticks)
    assert 50 in [score for _, score in picture.ticks]


@given(values)
def test_the_greatest_factor_comes_first_and_its_side_tells_its_sign(numbers: list[float]) -> None:
    picture = diverging(factors(numbers))
    bars = picture.bars
    assert [abs(bar.value) for bar in bars] == sorted((abs(bar.value) for bar in bars), reverse=True)
    assert all((bar.end >= 50) == (bar.value >= 0) for bar in bars)
    assert picture.raising.count("M") == sum(bar.value >= 0 for bar in bars)
    assert picture.lowering.count("M") == sum(bar.value < 0 for bar in bars)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 100)), min_size=1, max_size=20))
def test_a_score_line_holds_each_score_until_the_next(entries: list[tuple[int, float]]) -> None:
    history = [
        {"at": NOW - timedelta(minutes=minutes), "score": score} for minutes, score in sorted(entries, reverse=True)
    ]
    picture = score_line(history, NOW)
    assert picture is not None
    assert picture.line.count("H") == len(history)
    assert picture.line.count("V") == len(history) - 1
    assert picture.end == (315, round(96 - history[-1]["score"] / 100 * 96, 1))  # type: ignore[operator]


def test_without_history_there_is_no_line() -> None:
    assert score_line([], NOW) is None
