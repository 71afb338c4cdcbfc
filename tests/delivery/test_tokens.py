from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.delivery.tokens import OptOutClaim, make_token, read_token
from porchlight.kit.crypto import b64, unb64

KEY = b"k" * 32
claims = st.builds(
    OptOutClaim, st.uuids(), st.uuids(), st.sampled_from(["email", "phone"]), st.binary(min_size=16, max_size=16)
)


@given(claims)
def test_a_token_gives_back_its_claim_and_only_under_its_key(claim: OptOutClaim) -> None:
    token = make_token(KEY, claim)
    assert read_token(KEY, token) == claim
    assert read_token(b"another key", token) is None


@given(claims, st.integers(0, 64), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_nothing(claim: OptOutClaim, position: int, flip: int) -> None:
    raw = bytearray(unb64(make_token(KEY, claim)))
    raw[position] ^= flip
    assert read_token(KEY, b64(bytes(raw))) is None


@given(st.text(max_size=120))
def test_any_other_text_is_nothing(text: str) -> None:
    assert read_token(KEY, text) is None


@pytest.mark.parametrize("token", ["", "a", "é" * 87, "A" * 87, "=" * 87, "A" * 100_000])
def test_malformed_tokens_are_nothing(token: str) -> None:
    assert read_token(KEY, token) is None


def test_a_token_is_opaque() -> None:
    claim = OptOutClaim(UUID(int=1), UUID(int=2), "email", b"\x00" * 16)
    token = make_token(KEY, claim)
    assert len(token) == 87
    assert token.isascii()
    assert not set(token) & set("/?#&=+%")
