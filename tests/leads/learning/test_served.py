"""Which forecasts count, and what counts as having come true, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from porchlight.intelligence.conversion import EMPTY, Fact, fold, forecast
from porchlight.leads.learning.served import served_forecasts
from porchlight.leads.learning.tables import ModelVersion
from porchlight.leads.learning.track_record import Served
from porchlight.leads.serving import context_at


def days(number: float) -> timedelta:
    return timedelta(days=number)


async def read(brokerage: Any) -> Served:
    return await served_forecasts(brokerage.runtime.database, brokerage.tenant_id, brokerage.clock.now())


async def test_a_forecast_came_true_if_they_closed_within_90_days(brokerage: Any, past: Any) -> None:
    soon, late, never, by_hand = [await past.lead() for _ in range(4)]
    brokerage.clock.advance(days(89))
    await past.does(soon, "deal.closed")
    await past.does(by_hand, "stage.changed", to="closed")
    brokerage.clock.advance(days(2))
    await past.does(late, "deal.closed")
    await past.does(never, "lead.lost")
    found = await read(brokerage)
    first = found.month == found.month.min()
    assert found.won[first].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert found.settled[first].all()


async def test_a_forecast_is_not_settled_before_its_90_days_are_over(brokerage: Any, past: Any) -> None:
    lead = await past.lead()
    brokerage.clock.advance(days(10))
    await past.does(lead, "deal.closed")
    brokerage.clock.advance(days(79))
    assert not (await read(brokerage)).settled.any()
    brokerage.clock.advance(days(1))
    assert (await read(brokerage)).settled.all()


async def test_each_lead_counts_once_a_month_with_its_first_forecast(brokerage: Any, past: Any) -> None:
    lead = await past.lead()
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT probability FROM scores")
        [(first,)] = await cursor.fetchall()
    for _ in range(3):
        brokerage.clock.advance(timedelta(hours=6))
        await past.does(lead, "message.received", text="Yes")
    brokerage.clock.advance(days(40))
    await past.does(lead, "listing.viewed", listing_key="MLS-1")
    found = await read(brokerage)
    assert len(found.lead) == 2
    assert found.said[0] == first
    assert np.diff(found.month).tolist() == [1]


async def test_whoever_has_closed_or_is_lost_has_no_forecast_that_counts(brokerage: Any, past: Any) -> None:
    for kind in ("deal.closed", "lead.lost"):
        lead = await past.lead()
        brokerage.clock.advance(days(40))
        await past.does(lead, kind)
        await past.does(lead, "note.added", text="Over")
    assert len((await read(brokerage)).lead) == 2


async def test_a_forecast_of_a_model_that_had_seen_the_outcome_is_left_out(brokerage: Any, past: Any) -> None:
    await past.lead()
    now = brokerage.clock.now()
    for learned_until, counted in ((now - days(1), 1), (now + days(1), 0)):
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            made = ModelVersion(
                tenant_id=uow.tenant_id,
                id=brokerage.admin_id,
                version="prior-1",
                kind="own",
                status="in_service",
                made_at=now,
                learned_until=learned_until,
                rows=1,
                outcomes=1,
                card={},
                verdict={},
            )
            await uow.session.merge(made)
        assert len((await read(brokerage)).lead) == counted


async def test_for_history_that_was_brought_in_the_prior_says_what_it_would_have_said_then(
    brokerage: Any, past: Any
) -> None:
    came = brokerage.clock.now() - days(200)
    lead = await past.lead(came, source="Old book")
    brokerage.clock.advance(timedelta(minutes=1))
    await past.does(lead, "deal.closed", came + days(70))
    found = await read(brokerage)
    assert (~found.live).sum() == 3  # in August, September and October
    assert (found.sources, found.versions) == (["Old book"], ["prior-1"])
    worked_out = ~found.live
    assert found.won[worked_out].tolist() == [1.0] * 3
    assert found.settled[worked_out].all()
    as_it_came = fold(EMPTY, Fact("lead.captured", came.timestamp(), {}, "Old book"))
    then = forecast(as_it_came, came.timestamp(), context_at(came)).probability
    assert found.said[worked_out][0] == pytest.approx(then)


async def test_another_tenants_forecasts_are_not_read(brokerage: Any, other_brokerage: Any, past: Any) -> None:
    await past.lead()
    assert len((await read(other_brokerage)).lead) == 0
