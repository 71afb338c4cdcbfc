from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.kit.crypto import b64, derive_key, keyed_hash, random_token, same, token_hash, unb64


@given(st.binary(max_size=100))
def test_bytes_come_back_from_their_text_which_is_safe_in_an_address(data: bytes) -> None:
    text = b64(data)
    assert unb64(text) == data
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("text", ["!", "a", "é", "a b", "+/==", "\0"])
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unb64(text)


def test_a_key_for_one_purpose_is_none_for_another() -> None:
    assert derive_key(b"k", "csrf") == derive_key(b"k", "csrf")
    assert len({derive_key(b"k", "csrf"), derive_key(b"k", "live token"), derive_key(b"l", "csrf")}) == 3
    assert len(derive_key(b"k", "csrf")) == 32


def test_hashes_depend_on_key_and_message() -> None:
    assert keyed_hash(b"k", b"m") == keyed_hash(b"k", b"m")
    assert len({keyed_hash(b"k", b"m"), keyed_hash(b"l", b"m"), keyed_hash(b"k", b"n")}) == 3
    assert same(token_hash("a"), token_hash("a"))
    assert not same(token_hash("a"), token_hash("b"))


def test_tokens_hold_256_bits_and_never_repeat() -> None:
    tokens = {random_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert {len(unb64(token)) for token in tokens} == {32}
