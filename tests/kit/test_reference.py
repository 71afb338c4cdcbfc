from __future__ import annotations

from pathlib import Path

import pytest

from porchlight.accounts.reference import permissions_page
from porchlight.kit.reference import PAGES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_each_reference_page_is_what_its_table_says(name: str) -> None:
    page = (REFERENCE / f"{name}.md").read_text("utf-8")
    assert page == PAGES[name](), f"write it anew: python -m porchlight.kit.reference {name} > docs/reference/{name}.md"


def test_the_page_of_permissions_is_what_the_roles_say() -> None:
    page = (REFERENCE / "permissions.md").read_text("utf-8")
    assert page == permissions_page(), (
        "write it anew: python -m porchlight.accounts.reference > docs/reference/permissions.md"
    )
