from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from porchlight.kit.ids import uuid7


def milliseconds(identifier: UUID) -> int:
    return identifier.int >> 80


def test_identifiers_strictly_increase_even_when_many_are_made_in_one_millisecond() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert all(one < other for one, other in itertools.pairwise(made))


def test_identifiers_strictly_increase_across_threads() -> None:
    taking_turns = threading.Lock()
    made: list[UUID] = []

    def make() -> None:
        for _ in range(500):
            with taking_turns:
                made.append(uuid7())

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(make) for _ in range(8)]:
            done.result()
    assert len(made) == 4_000
    assert all(one < other for one, other in itertools.pairwise(made))


def test_threads_at_the_same_moment_never_get_the_same_identifier() -> None:
    start = threading.Barrier(8)

    def make() -> list[UUID]:
        start.wait()
        return [uuid7() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as threads:
        lists = [done.result() for done in [threads.submit(make) for _ in range(8)]]
    assert len({identifier for made in lists for identifier in made}) == 16_000
    assert all(one < other for made in lists for one, other in itertools.pairwise(made))


def test_every_identifier_says_that_it_is_of_version_7() -> None:
    made = [uuid7() for _ in range(5_000)]
    assert {identifier.version for identifier in made} == {7}
    assert {identifier.variant for identifier in made} == {RFC_4122}


def test_the_random_bits_are_drawn_anew_for_each_identifier() -> None:
    made = [uuid7() for _ in range(2_000)]
    assert len({identifier.int & (2**62 - 1) for identifier in made}) == 2_000


def test_an_identifier_carries_the_time_of_its_making() -> None:
    before = milliseconds(uuid7())
    time.sleep(0.02)  # longer than the others can have made the timestamp run ahead
    now = time.time_ns() // 1_000_000
    made = milliseconds(uuid7())
    assert made > before
    assert now <= made <= now + 1_000
