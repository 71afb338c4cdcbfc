from __future__ import annotations

from http import HTTPStatus

import pytest

from porchlight.kit.errors import CODES, PorchlightError


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_status_that_says_it_failed_and_a_title(code: str) -> None:
    error = PorchlightError(code, "Do something else.")
    assert HTTPStatus(error.status) >= 400
    assert error.title[0].isupper()
    assert not error.title.endswith(".")
    assert error.problem() == {
        "type": f"https://porchlight.example/problems/{code}",
        "title": error.title,
        "status": error.status,
        "code": code,
        "detail": "Do something else.",
    }


def test_the_field_at_fault_is_named() -> None:
    assert PorchlightError("request_invalid", "No.", field="email").problem()["field"] == "email"


def test_a_code_that_is_not_in_the_table_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="add it to"):
        PorchlightError("nonsense", "x")
