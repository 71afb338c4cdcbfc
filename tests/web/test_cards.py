from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser
from tests.web.conftest import PHONE, WIDE
from tests.web.test_looks import TOO_FAINT
from tests.web.test_templates import parse

from porchlight.intelligence.conversion.tables.card import FORMAT, Card, Estimate
from porchlight.web.cards import render_card


def estimate(value: float, reach: float | None = 0.02) -> Estimate:
    return {
        "value": value,
        "low": None if reach is None else value - reach,
        "high": None if reach is None else value + reach,
    }


def card(kind: Literal["outcome", "timeline"] = "timeline", **changes: Any) -> Card:
    found: Card = {
        "format": FORMAT,
        "kind": kind,
        "version": "1.0",
        "made_at": "2026-11-21T10:00:00+00:00",
        "learned_from": {
            "table": "leads <2026>.csv", "outcome": "time from created to sold", "rows": 4_171, "wins": 189,
            "unseen_rows": 1_252, "unseen_wins": 86, "first": "2025-06-14", "last": "2026-02-28",
            "split": "It was tried on later rows.",
        },
        "chosen": {"model": "A curve", "calibration": "none", "candidates": [{"name": "one", "loss": 0.29}]},
        "verdict": {"trust": "with_care", "sentence": "Its order can be trusted."},
        "measures": [
            {"name": "c_index", "horizon": None, "model": estimate(0.66), "base": estimate(0.5, None),
             "plain": estimate(0.64)},
            {"name": "brier_at", "horizon": 30, "model": estimate(0.09), "base": estimate(0.095),
             "plain": estimate(0.085)},
            {"name": "brier_at", "horizon": 60, "model": estimate(0.1), "base": None, "plain": None},
            {"name": "ece", "horizon": 60, "model": estimate(0.033, None), "base": None, "plain": None},
        ],
        "reliability": [{"rows": 90, "predicted": 0.1, "observed": estimate(0.12)}],
        "lift": [{"part": 0.1, "found": 0.3}, {"part": 1.0, "found": 1.0}],
        "curve": [{"day": 0.0, "predicted": 0.0, "observed": estimate(0, None)},
                  {"day": 60.0, "predicted": 0.08, "observed": None}],
        "moved": [{"column": "origin", "strength": 0.24, "levels": [
            {"label": "direct", "rows": 266, "log_odds": 0.37}, {"label": "email", "rows": 275, "log_odds": -0.65}]}],
        "left_out": [{"column": "<b>Tags</b>", "reason": "leak", "evidence": "Alone it tells the outcome."}],
        "groups": [{"column": "region", "group": "north", "rows": 500, "won": 0.1, "predicted": 0.11, "selected": 0.2,
                    "impact": 0.72}],
        "cautions": ["The pace of winning rose."],
        "remarks": ["3 rows left out."],
    }  # fmt: skip
    return {**found, **changes}  # type: ignore[typeddict-item]


BARE = card(
    "outcome", measures=[], reliability=[], lift=[], curve=[], moved=[], left_out=[], groups=[], cautions=[], remarks=[]
)
CARDS = {"full": card(), "bare": BARE}


@pytest.mark.parametrize("which", CARDS)
def test_a_card_is_a_whole_page_that_asks_for_nothing_else(which: str) -> None:
    text = render_card(CARDS[which])
    page = parse(text)
    assert page.unclosed == []
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert not [tag for tag, _ in page.elements if tag in ("script", "link", "img", "iframe")]
    assert "url(" not in text.replace("url(#", "")
    identifiers = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_what_a_table_holds_is_never_markup() -> None:
    text = render_card(card())
    assert "&lt;b&gt;Tags&lt;/b&gt;" in text
    assert "<b>" not in text
    assert "<2026>" not in text


def test_everything_that_must_be_known_is_said() -> None:
    text = render_card(card())
    for said in (
        "Use these scores with care", "Its order can be trusted.", "0.660", "0.640 – 0.680", "C-index",
        "Brier score, within 30 days", "3.3 %", "Plain proportional hazards", "Same curve for all", "−0.65",
        "Knows the outcome", "Alone it tells the outcome.", "Fairness by region", "0.72", "The pace of winning rose.",
        "3 rows left out.",
    ):  # fmt: skip
        assert said in text, said


def test_only_what_beats_both_references_is_marked() -> None:
    assert render_card(card()).count('class="model better"') == 1


@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_a_card_fits_and_can_be_read_by_day_and_by_night(chromium: Browser, tmp_path: Path, size: Any) -> None:
    page = chromium.new_page(viewport=size)
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text))
    for name, held in CARDS.items():
        (tmp_path / f"{name}.html").write_text(render_card(held), encoding="utf-8")
        page.goto(f"file://{tmp_path / name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            assert page.evaluate(TOO_FAINT, scheme) == [], (name, scheme)
    assert broken == []
    page.close()
