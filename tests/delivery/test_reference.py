from __future__ import annotations

from pathlib import Path

from porchlight.delivery.reference import quiet_hours_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_page_is_what_the_rules_say() -> None:
    page = (REFERENCE / "quiet-hours.md").read_text("utf-8")
    assert page == quiet_hours_page(), (
        "write it anew: python -m porchlight.delivery.reference > docs/reference/quiet-hours.md"
    )
