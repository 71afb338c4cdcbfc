"""Leads and their facts over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import allowed
from porchlight.accounts.permissions import Permission
from porchlight.kit.errors import PorchlightError
from porchlight.leads import queries
from porchlight.leads.assembly import Reading
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.incoming import items_in, read_activity, read_lead
from porchlight.leads.present import activity_out, lead_detail, lead_out, score_out
from porchlight.leads.record import ActivityResult, record_activities
from porchlight.leads.schemas import (
    ActivityIn,
    ActivityPage,
    ActivityResults,
    LeadDetail,
    LeadIn,
    LeadPage,
    LeadResult,
    LeadResults,
    NoticeOut,
    ScorePage,
)
from porchlight.leads.serving import model_in_service

router = APIRouter(prefix="/api/v1", tags=["leads"])

Reader = Annotated[Caller, allowed(Permission.LEADS_READ)]
Writer = Annotated[Caller, allowed(Permission.LEADS_WRITE)]
Recorder = Annotated[Caller, allowed(Permission.ACTIVITIES_WRITE)]

Limit = Annotated[int, Query(ge=1, le=queries.MOST)]
Cursor = Annotated[str | None, Query(max_length=500)]
Narrow = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


def _batch_or_one(model: type[Any], key: str) -> dict[str, Any]:
    """The request body as the OpenAPI document shows it; it is read item by item, so that one bad item stands alone."""
    one = model.model_json_schema(ref_template="#/components/schemas/{model}")
    one.pop("$defs", None)
    many = {
        "type": "object",
        "required": [key],
        "properties": {key: {"type": "array", "minItems": 1, "maxItems": 1000, "items": one}},
    }
    content = {"schema": {"anyOf": [many, one]}, "example": one["example"]}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _error(error: PorchlightError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.detail, "field": error.field}


@router.get("/leads", summary="List leads, best first")
async def list_leads(
    caller: Reader,
    sort: queries.Sort = "-score",
    limit: Limit = 50,
    cursor: Cursor = None,
    q: Narrow = None,
    stage: Narrow = None,
    grade: Narrow = None,
    source: Narrow = None,
    owner_id: UUID | None = None,
    waiting: bool = False,
) -> LeadPage:
    """`q` finds words of the name, e-mail addresses, phone numbers and external ids by their beginning.
    `waiting` lists open leads that nobody has yet."""
    filters = queries.Filters(q=q, stage=stage, grade=grade, source=source, owner_id=owner_id, waiting=waiting)
    page = await queries.list_leads(caller.uow, filters, caller.owners, sort=sort, limit=limit, cursor=cursor)
    model = await model_in_service(caller.uow)
    return LeadPage(
        items=[lead_out(lead, state, owner_name, model) for lead, state, owner_name in page.rows],
        next_cursor=page.next_cursor,
    )


@router.post(
    "/leads",
    summary="Capture one lead or up to 1,000",
    status_code=200,
    response_model=LeadResult | LeadResults,
    responses={201: {"description": "A single lead that is new.", "model": LeadResult}},
    openapi_extra=_batch_or_one(LeadIn, "leads"),
)
async def capture(request: Request, response: Response, caller: Writer) -> LeadResult | LeadResults:
    """The same e-mail address or phone number is the same lead: a further touch on it, never a second lead.

    A batch answers item by item, in its order; a single lead that cannot be read is answered with the problem itself.
    """
    items, batch = items_in(await request.body(), "leads")
    reading = Reading(region=caller.region)
    read = [read_lead(item, reading) for item in items]
    if not batch and isinstance(read[0], PorchlightError):
        raise read[0]
    incoming: list[Incoming] = [one[0] for one in read if not isinstance(one, PorchlightError)]
    captures = iter(await capture_leads(caller.uow, incoming, door="api", live=True) if incoming else [])
    results = []
    for one in read:
        if isinstance(one, PorchlightError):
            results.append(LeadResult.model_validate({"status": "error", "error": _error(one)}))
            continue
        capture = next(captures)
        notices = [NoticeOut(field=notice.column, detail=notice.sentence) for notice in one[1]]
        results.append(
            LeadResult(
                status=capture.outcome, id=capture.lead_id, external_id=capture.given.external_id, notices=notices
            )
        )
    if batch:
        return LeadResults(items=results)
    response.status_code = 201 if results[0].status == "created" else 200
    return results[0]


@router.get("/leads/{lead_id}", summary="One lead, with its forecast and factors")
async def show_lead(caller: Reader, lead_id: UUID) -> LeadDetail:
    lead, state, owner_name = await queries.get_lead(caller.uow, lead_id, caller.owners)
    points = await queries.contact_points(caller.uow, [lead_id])
    return lead_detail(lead, state, owner_name, points[lead_id], await model_in_service(caller.uow))


@router.get("/leads/{lead_id}/activities", summary="A lead's facts, the latest first")
async def show_activities(caller: Reader, lead_id: UUID, limit: Limit = 50, cursor: Cursor = None) -> ActivityPage:
    await queries.get_lead(caller.uow, lead_id, caller.owners)
    page = await queries.list_activities(caller.uow, lead_id, limit=limit, cursor=cursor)
    return ActivityPage(items=[activity_out(row) for row in page.rows], next_cursor=page.next_cursor)


@router.get("/leads/{lead_id}/scores", summary="The changes of a lead's score, the latest first")
async def show_scores(caller: Reader, lead_id: UUID, limit: Limit = 50, cursor: Cursor = None) -> ScorePage:
    await queries.get_lead(caller.uow, lead_id, caller.owners)
    page = await queries.list_scores(caller.uow, lead_id, limit=limit, cursor=cursor)
    return ScorePage(items=[score_out(row) for row in page.rows], next_cursor=page.next_cursor)


@router.post(
    "/activities",
    summary="Record one activity or up to 1,000",
    response_model=ActivityResults,
    openapi_extra=_batch_or_one(ActivityIn, "activities"),
)
async def record(request: Request, caller: Recorder) -> Response:
    """Facts about leads, answered item by item in their order; one that fails keeps no other back."""
    items, _ = items_in(await request.body(), "activities")
    inputs = [read_activity(item) for item in items]
    results = await record_activities(caller.uow, inputs, door="api", region=caller.region, caller=caller)
    # Built by hand: this is the hot path, and every value comes from our own dataclasses.
    return Response(orjson.dumps({"items": [_result(result) for result in results]}), media_type="application/json")


def _result(result: ActivityResult) -> dict[str, Any]:
    forecast = None if result.assessment is None else result.assessment.forecast
    return {
        "status": result.status,
        "activity_id": result.activity_id,
        "lead_id": result.lead_id,
        "score": None if forecast is None else forecast.score,
        "grade": None if forecast is None else forecast.grade,
        "probability": None if forecast is None else forecast.probability,
        "error": None if result.error is None else _error(result.error),
    }
