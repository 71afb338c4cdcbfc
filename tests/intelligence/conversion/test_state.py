from __future__ import annotations

from functools import reduce

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, Fact, StateVersionError, decode, encode, fold


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_type(Fact), max_size=30))
def test_a_state_survives_the_codec_to_the_bit(facts: list[Fact]) -> None:
    state = reduce(fold, facts, EMPTY)
    again = decode(encode(state))
    assert again == state
    assert repr(again) == repr(state)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_type(Fact), max_size=10), st.from_type(Fact))
def test_a_fold_goes_on_from_a_stored_state_as_from_a_live_one(facts: list[Fact], fact: Fact) -> None:
    state = reduce(fold, facts, EMPTY)
    assert fold(decode(encode(state)), fact) == fold(state, fact)


def test_a_state_of_another_version_asks_for_a_replay() -> None:
    with pytest.raises(StateVersionError, match="replay"):
        decode(orjson.dumps([0, *orjson.loads(encode(EMPTY))[1:]]))
