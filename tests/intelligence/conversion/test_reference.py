from __future__ import annotations

from pathlib import Path

import pytest

from porchlight.intelligence.conversion.reference import PAGES

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_reference_page_is_what_the_tables_say(page: str) -> None:
    written = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    assert written == PAGES[page](), (
        f"run: python -m porchlight.intelligence.conversion.reference {page} > docs/reference/{page}.md"
    )
