from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from porchlight.kit import charts

NAMED: dict[str, Any] = {"name": "one", "title": "A <title>", "description": "What is & seen"}
CURVE = [charts.Point(0, 0.0, 0.0, 0.0), charts.Point(30, 0.1, 0.08, 0.13), charts.Point(90, 0.15)]
PICTURES = {
    "reliability": charts.reliability([charts.Reliable(0.1, 0.12, 0.08, 0.17, 90)], **NAMED),
    "lift": charts.lift([(0.0, 0.0), (0.1, 0.4), (1.0, 1.0)], **NAMED),
    "curve": charts.conversion_curve(CURVE, CURVE, **NAMED),
    "series": charts.time_series([charts.Point(date(2026, 1, day), day / 9) for day in (1, 2, 3)], **NAMED),
    "bars": charts.signed_bars([charts.Signed("Source", 0.8, "+0.80"), charts.Signed("Age", -0.2, "−0.20")], **NAMED),
    "nothing": charts.signed_bars([], **NAMED),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_chart_is_well_formed_and_says_what_it_shows(kind: str) -> None:
    root = ElementTree.fromstring(PICTURES[kind])
    assert root.get("role") == "img"
    named = {child.get("id"): child.text for child in root if child.get("id")}
    assert [named[ref] for ref in (root.get("aria-labelledby") or "").split()] == ["A <title>", "What is & seen"]


@pytest.mark.parametrize("kind", PICTURES)
def test_a_chart_takes_every_colour_from_the_page(kind: str) -> None:
    paints = set(re.findall(r'(?:fill|stroke)="([^"]+)"', PICTURES[kind])) - {"none", "transparent"}
    assert {paint for paint in paints if not paint.startswith(("var(--", "url(#one-"))} == set()


@pytest.mark.parametrize("kind", PICTURES)
def test_a_chart_holds_nothing_that_the_policy_of_the_pages_refuses(kind: str) -> None:
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|href=", PICTURES[kind])


def test_two_charts_of_a_page_share_no_identifier() -> None:
    other = charts.conversion_curve(CURVE, name="two", title="", description="")
    mine, others = (set(re.findall(r'\bid="([^"]+)"', text)) for text in (PICTURES["curve"], other))
    assert not mine & others


def test_a_curve_without_an_interval_somewhere_is_still_drawn() -> None:
    assert PICTURES["curve"].count("<path") >= 4


def test_the_libraries_that_draw_are_loaded_by_the_first_chart_only() -> None:
    code = "import sys, porchlight.kit.charts; sys.exit(bool({'altair', 'vl_convert'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
