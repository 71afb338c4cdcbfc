"""What lies ahead of a lead, on its page, from a real database."""

from __future__ import annotations

from typing import Any

import pytest

from porchlight.intelligence.conversion import FEATURES
from porchlight.intelligence.conversion.history.curve import PRIOR_SHAPE, curve_of
from porchlight.intelligence.conversion.history.model import PRIOR
from porchlight.leads import queries
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.inputs import LeadInput
from porchlight.web.lead_outlook import curve_line, lead_outlook


async def outlook(brokerage: Any, **given: Any) -> Any:
    lead_input = LeadInput("web", "a", "web", **given)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        [capture] = await capture_leads(uow, [Incoming(lead_input, {})], door="api", live=False)
        await uow.write_now()
        lead, state, _ = await queries.get_lead(uow, capture.lead_id, None)
        return state, await lead_outlook(uow, lead, state, PRIOR, "America/New_York")


async def test_the_chances_rise_to_the_probability_that_the_page_shows(brokerage: Any) -> None:
    state, shown = await outlook(brokerage)

    chances = [chance for _, chance in shown["within"]]
    assert chances == sorted(chances)
    assert chances[-1] == pytest.approx(state.probability)
    assert [lever["probability"] > state.probability for lever in shown["levers"]] == [True] * 3


async def test_nothing_lies_ahead_of_a_lead_that_is_lost(brokerage: Any) -> None:
    assert (await outlook(brokerage, outcome="lost"))[1] is None


def test_the_line_starts_now_and_never_falls() -> None:
    drawn = curve_line(curve_of(PRIOR_SHAPE, 0.2, 0.01, [None] * len(FEATURES)))

    heights = [float(point.split()[1]) for point in drawn.line.removeprefix("M").split("L")]
    assert heights[0] == 96
    assert heights == sorted(heights, reverse=True)
