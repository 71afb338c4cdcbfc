"""The pages Leads and Lead."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.accounts.permissions import Permission
from porchlight.accounts.tables import User
from porchlight.automation.routing.queries import seats_overview
from porchlight.automation.routing.seats import reassign
from porchlight.kit.errors import PorchlightError
from porchlight.leads import queries
from porchlight.leads.find import Reference
from porchlight.leads.record import ActivityInput, record_activities
from porchlight.leads.serving import model_in_service
from porchlight.web.forms import Line, Prose, Text
from porchlight.web.lead_contexts import lead_page, lead_rows
from porchlight.web.shell import go, page, shell, site_address

router = APIRouter(include_in_schema=False)

Reader = Annotated[Caller, allowed(Permission.LEADS_READ)]
Writer = Annotated[Caller, allowed(Permission.LEADS_WRITE)]
Cursor = Annotated[str, Query(max_length=500)]
Assigner = Annotated[Caller, allowed(Permission.LEADS_ASSIGN)]

PAGE_SIZE = 50
_UNANSWERED = frozenset({"no_answer", "voicemail", "wrong_number"})
_LONGEST_CALL = 600
_SORTS: dict[str, queries.Sort] = {
    "-score": "-score",
    "-last_activity_at": "-last_activity_at",
    "-created_at": "-captured_at",
    "name": "name",
}


@router.get("/")
async def start() -> Response:
    return go("/leads")


@router.get("/leads")
async def show_leads(
    request: Request,
    caller: Reader,
    runtime: RuntimeDep,
    view: Text = "all",
    q: Text = "",
    stage: Text = "",
    grade: Text = "",
    owner: Text = "",
    source: Text = "",
    sort: Text = "-score",
    cursor: Cursor = "",
) -> Response:
    uow = caller.uow
    frame = await shell(request, caller, "leads")
    mine = queries.Filters(owner_id=caller.user_id)
    chosen = queries.Filters(
        q=q or None,
        stage=stage or None,
        grade=grade or None,
        source=source or None,
        owner_id=caller.user_id if view == "mine" else _id(owner),
        waiting=view == "waiting",
    )
    found = await queries.list_leads(
        uow, chosen, caller.owners, sort=_SORTS.get(sort, "-score"), limit=PAGE_SIZE, cursor=cursor or None
    )
    everything = await queries.count_leads(uow, queries.Filters(), caller.owners)
    views = [{"key": "all", "label": "All", "count": everything}]
    if caller.user_id is not None and caller.owners != (caller.user_id,):
        views.append({"key": "mine", "label": "Mine", "count": await queries.count_leads(uow, mine, caller.owners)})
    if caller.owners is None:
        views.append({"key": "waiting", "label": "Waiting for an agent", "count": frame["waiting"]})
    model = await model_in_service(uow)
    context = {
        "shell": frame,
        "base_probability": model.base_probability,
        "leads": await lead_rows(uow, found.rows, model),
        "total": await queries.count_leads(uow, chosen, caller.owners),
        "any_leads": everything != 0,
        "views": views if everything != 0 else [],
        "filters": {
            "view": view,
            "q": q,
            "stage": stage,
            "grade": grade,
            "owner": owner,
            "source": source,
            "sort": sort if sort in _SORTS else "-score",
            "cursor": cursor,
        },
        "choices": {"owners": await _people(caller), "sources": await queries.lead_sources(uow)},
        "next_cursor": found.next_cursor,
        "api_url": site_address(request, runtime.settings),
    }
    return page(request, "leads/list.html", context)


async def _people(caller: Caller) -> list[dict[str, Any]]:
    """The users whose leads the reader may see."""
    statement = select(User.id, User.name).where(User.tenant_id == caller.uow.tenant_id, User.is_active)
    if caller.owners is not None:
        statement = statement.where(User.id.in_(caller.owners))
    people = (await caller.uow.session.execute(statement.order_by(User.name))).all()
    return [{"id": str(user_id), "name": name} for user_id, name in people]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise PorchlightError("request_invalid", "Choose the agent from the list.", field="owner") from error


@router.get("/leads/{lead_id}/row")
async def show_row(request: Request, caller: Reader, lead_id: UUID) -> Response:
    row = await queries.get_lead(caller.uow, lead_id, caller.owners)
    model = await model_in_service(caller.uow)
    [lead] = await lead_rows(caller.uow, [row], model)
    context = {"shell": await shell(request, caller, "leads"), "base_probability": model.base_probability, "lead": lead}
    return page(request, "leads/_row.html", context)


@router.get("/leads/{lead_id}")
async def show_lead(
    request: Request,
    caller: Reader,
    runtime: RuntimeDep,
    lead_id: UUID,
    before: Cursor = "",
) -> Response:
    frame = await shell(request, caller, "leads")
    row = await queries.get_lead(caller.uow, lead_id, caller.owners)
    lead = row[0]
    can_assign = caller.may(Permission.LEADS_ASSIGN)
    can_write = caller.may(Permission.LEADS_WRITE) and caller.may(Permission.ACTIVITIES_WRITE)
    context = await lead_page(caller.uow, runtime.settings, row, zone=frame["zone"], cursor=before or None)
    now = caller.uow.now()
    context |= {
        "shell": frame,
        "agents": [
            {"id": str(seat.user_id), "name": seat.name, "away": seat.away_until is not None and seat.away_until > now}
            for seat in await seats_overview(caller.uow)
            if seat.is_active
        ],
        "can": {
            "take_over": can_write and caller.user_id is not None and lead.owner_id != caller.user_id,
            "reassign": can_assign,
            "change_stage": can_write,
            "write": can_write,
        },
        "back_url": _back(request),
    }
    return page(request, "leads/lead.html", context)


def _back(request: Request) -> str:
    """The list that the reader came from, with its filters."""
    came_from = request.headers.get("referer", "")
    _, _, query = came_from.partition("/leads?")
    return f"/leads?{query}" if query else "/leads"


@router.post("/leads/{lead_id}/take-over")
async def take_over(caller: Writer, lead_id: UUID) -> Response:
    await queries.get_lead(caller.uow, lead_id, caller.owners)
    if caller.user_id is None:
        raise PorchlightError("forbidden", "Only a person can take a lead over.")
    await reassign(caller.uow, lead_id, caller.user_id, rule="taken_over")
    return go(f"/leads/{lead_id}", "The lead is yours now.")


@router.post("/leads/{lead_id}/reassign")
async def give_to(caller: Assigner, lead_id: UUID, owner_id: Line = "") -> Response:
    await queries.get_lead(caller.uow, lead_id, caller.owners)
    new_owner = _id(owner_id)
    await reassign(caller.uow, lead_id, new_owner, rule="by_hand")
    say = "Given." if new_owner is not None else "Back in the queue for the next free agent."
    return go(f"/leads/{lead_id}" if caller.sees(new_owner) else "/leads", say)


@router.post("/leads/{lead_id}/stage")
async def set_stage(caller: Writer, lead_id: UUID, stage: Line = "") -> Response:
    lead = (await queries.get_lead(caller.uow, lead_id, caller.owners))[0]
    return await _note_fact(caller, lead_id, "stage.changed", {"from": lead.stage, "to": stage}, "The stage is set.")


@router.post("/leads/{lead_id}/notes")
async def add_note(caller: Writer, lead_id: UUID, text: Prose = "") -> Response:
    if not text.strip():
        return go(f"/leads/{lead_id}", "An empty note was not kept.", "cool")
    return await _note_fact(caller, lead_id, "note.added", {"text": text.strip()}, "The note is kept.")


@router.post("/leads/{lead_id}/calls")
async def log_call(caller: Writer, lead_id: UUID, outcome: Line = "", minutes: Line = "", text: Prose = "") -> Response:
    spoke = outcome == "held"
    if not spoke and outcome not in _UNANSWERED:
        raise PorchlightError("request_invalid", "Choose how the call went from the list.", field="outcome")
    payload: dict[str, Any] = {"direction": "outbound"} if spoke else {"outcome": outcome}
    if spoke and minutes.strip():
        payload["seconds"] = _minutes(minutes) * 60
    answer = await _note_fact(
        caller, lead_id, "call.held" if spoke else "call.attempted", payload, "The call is logged."
    )
    if text.strip():
        await _note_fact(caller, lead_id, "note.added", {"text": text.strip()}, "")
    return answer


def _minutes(text: str) -> int:
    minutes = int(text) if text.strip().isdecimal() and len(text) < 5 else _LONGEST_CALL + 1
    if minutes > _LONGEST_CALL:
        raise PorchlightError("request_invalid", f"Write whole minutes, up to {_LONGEST_CALL}.", field="minutes")
    return minutes


async def _note_fact(caller: Caller, lead_id: UUID, kind: str, payload: dict[str, Any], say: str) -> Response:
    caller.require(Permission.ACTIVITIES_WRITE)
    given = ActivityInput(
        Reference(lead_id=lead_id), kind, None, payload, "web", None, {"kind": kind, "payload": payload}
    )
    [result] = await record_activities(caller.uow, [given], door="form", region=caller.region, caller=caller)
    if result.error is not None:
        raise result.error
    return go(f"/leads/{lead_id}", say)
