"""The settings pages Team and User: who works here, and who takes leads on which terms.

Whoever manages routing sees the seats of the people whose leads they see, and changes those; accounts are for admins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select

from porchlight.accounts import manage
from porchlight.accounts.caller import Caller
from porchlight.accounts.http import allowed
from porchlight.accounts.passwords import new_password
from porchlight.accounts.permissions import ROLES, Permission, Role
from porchlight.accounts.tables import Team, Tenant, User
from porchlight.automation.routing.queries import open_leads
from porchlight.automation.routing.seats import set_seat
from porchlight.automation.routing.tables import RoutingSeat
from porchlight.automation.routing.working_hours import WEEKDAYS, is_working, parse
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.web.forms import Line, Name, fields_of
from porchlight.web.hours import (
    away_date,
    away_moment,
    hours_words,
    typed_rows,
    week_hours,
    week_rows,
    zone_named,
    zones,
)
from porchlight.web.settings import AccountsManager, by_field, settings_page
from porchlight.web.shell import go

router = APIRouter(include_in_schema=False, prefix="/settings")

SeatManager = Annotated[Caller, allowed(Permission.ROUTING_MANAGE)]

_NOBODY = {"name": "", "email": "", "role": Role.AGENT.value, "team_id": ""}


# Team


@router.get("/team")
async def show_team(request: Request, caller: SeatManager) -> Response:
    return await _team_page(request, caller)


async def _team_page(
    request: Request,
    caller: Caller,
    *,
    values: Mapping[str, str] = _NOBODY,
    errors: Mapping[str, str] | None = None,
    new_user: Mapping[str, str] | None = None,
) -> Response:
    uow = caller.uow
    users = await _users(caller)
    seats = {seat.user_id: seat for seat in await uow.session.scalars(_of(uow, RoutingSeat))}
    teams = {team.id: team.name for team in await uow.session.scalars(_of(uow, Team).order_by(Team.name))}
    loads = await open_leads(uow, [user.id for user in users])
    members = Counter(await uow.session.scalars(select(User.team_id).where(User.tenant_id == uow.tenant_id)))
    context = {
        "users": [
            _member(uow, user, seats.get(user.id), teams.get(user.team_id) if user.team_id else None, loads[user.id])
            for user in users
        ],
        "teams": [{"id": str(team_id), "name": name, "members": members[team_id]} for team_id, name in teams.items()],
        "values": values,
        "errors": errors or {},
        "new_user": new_user,
        "can": {"manage_accounts": caller.may(Permission.ACCOUNTS_MANAGE)},
    }
    return await settings_page(request, caller, "settings/team.html", context, status=422 if errors else 200)


def _of(uow: UnitOfWork, table: Any) -> Any:
    return select(table).where(table.tenant_id == uow.tenant_id)


async def _users(caller: Caller) -> list[User]:
    statement = _of(caller.uow, User)
    if caller.owners is not None:
        statement = statement.where(User.id.in_(caller.owners))
    return list(await caller.uow.session.scalars(statement.order_by(User.is_active.desc(), User.name, User.id)))


def _member(uow: UnitOfWork, user: User, seat: RoutingSeat | None, team: str | None, load: int) -> dict[str, Any]:
    taking = seat if seat is not None and seat.is_active else None
    hours = None if taking is None or taking.working_hours is None else parse(taking.working_hours)
    working = taking is None or hours is None or is_working(hours, ZoneInfo(taking.time_zone), uow.now())
    return {
        "id": str(user.id),
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "team": team,
        "is_active": user.is_active,
        "open_leads": load,
        # An absence ends with a day, so its last moment names that day.
        "away_until": taking.away_until - timedelta(microseconds=1) if taking and taking.away_until else None,
        "zone": taking.time_zone if taking else None,
        "off_hours": not working,
        "seat": None if taking is None else {"weight": taking.weight, "capacity": taking.capacity},
        "hours": None if hours is None else hours_words(hours),
    }


@router.post("/users")
async def add_user(
    request: Request, caller: AccountsManager, name: Name = "", email: Line = "", role: Line = "", team_id: Line = ""
) -> Response:
    password = new_password()
    try:
        async with caller.uow.savepoint():
            user = await manage.create_user(
                caller.uow, email=email, name=name, role=_role(role), password=password, team_id=_team_id(team_id)
            )
    except PorchlightError as error:
        values = {"name": name, "email": email, "role": role, "team_id": team_id}
        return await _team_page(request, caller, values=values, errors=by_field(error))
    new_user = {"name": user.name, "email": user.email, "password": password}
    return await _team_page(request, caller, new_user=new_user)


@router.post("/teams")
async def add_team(request: Request, caller: AccountsManager, name: Name = "") -> Response:
    try:
        team = await manage.create_team(caller.uow, name)
    except PorchlightError as error:
        return await _team_page(request, caller, errors={"team_name": error.detail})
    return go("/settings/team", f"{team.name} is a team now.")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise PorchlightError("request_invalid", "Choose the role from the list.", field="role") from None


def _team_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise PorchlightError("request_invalid", "Choose the team from the list.", field="team_id") from None


# User


@router.get("/users/{user_id}")
async def show_user(request: Request, caller: SeatManager, user_id: UUID) -> Response:
    return await _user_page(request, caller, user_id)


async def _seen_user(caller: Caller, user_id: UUID) -> User:
    user = await caller.uow.session.get(User, (caller.uow.tenant_id, user_id))
    if user is None or not caller.sees(user_id):
        raise PorchlightError("not_found", "There is no such user.")
    return user


async def _user_page(
    request: Request,
    caller: Caller,
    user_id: UUID,
    *,
    typed: Mapping[str, str] | None = None,
    error: PorchlightError | None = None,
    password: str | None = None,
) -> Response:
    uow = caller.uow
    user = await _seen_user(caller, user_id)
    seat = await uow.session.get(RoutingSeat, (uow.tenant_id, user_id))
    shown = await _as_stored(uow, user, seat)
    if typed is not None:
        shown |= _as_typed(typed, shown, accounts=caller.may(Permission.ACCOUNTS_MANAGE))
    teams = await uow.session.scalars(_of(uow, Team).order_by(Team.name))
    context = {
        "user": shown,
        "teams": [{"id": str(team.id), "name": team.name} for team in teams],
        "zones": sorted({*zones(), shown["zone"]}),
        "errors": {} if error is None else by_field(error),
        "new_password": password,
        "can": {"manage_accounts": caller.may(Permission.ACCOUNTS_MANAGE)},
    }
    return await settings_page(request, caller, "settings/user.html", context, status=error.status if error else 200)


async def _as_stored(uow: UnitOfWork, user: User, seat: RoutingSeat | None) -> dict[str, Any]:
    zone = seat.time_zone if seat else (await uow.session.get_one(Tenant, uow.tenant_id)).time_zone
    return {
        "id": str(user.id),
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "team_id": str(user.team_id or ""),
        "is_active": user.is_active,
        "zone": zone,
        "takes_leads": seat is not None and seat.is_active,
        "weight": f"{seat.weight if seat else 1:g}",
        "capacity": "" if seat is None or seat.capacity is None else str(seat.capacity),
        "away_until": "" if seat is None else away_date(seat.away_until, zone, uow.now()),
        "hours": week_rows(seat.working_hours if seat else None),
    }


def _as_typed(form: Mapping[str, str], stored: Mapping[str, Any], *, accounts: bool) -> dict[str, Any]:
    """What a refused form said, to be corrected."""
    texts = ("zone", "weight", "capacity", "away_until", *(("role", "team_id") if accounts else ()))
    typed: dict[str, Any] = {name: form.get(name, stored[name]) for name in texts}
    typed |= {"takes_leads": "takes_leads" in form, "hours": typed_rows(form, len(WEEKDAYS))}
    return typed | ({"is_active": "is_active" in form} if accounts else {})


@router.post("/users/{user_id}")
async def change_user(request: Request, caller: SeatManager, user_id: UUID) -> Response:
    user = await _seen_user(caller, user_id)
    form = await fields_of(request)
    try:
        async with caller.uow.savepoint():
            if caller.may(Permission.ACCOUNTS_MANAGE):
                await manage.update_user(
                    caller.uow,
                    user_id,
                    role=_role(form.get("role", "")),
                    team_id=_team_id(form.get("team_id", "")),
                    is_active="is_active" in form,
                )
            await _save_seat(caller.uow, user_id, form)
    except PorchlightError as error:
        return await _user_page(request, caller, user_id, typed=form, error=error)
    # Whoever took the right from themselves may not see the team any more.
    still = user_id != caller.user_id or (user.is_active and Permission.ROUTING_MANAGE in ROLES[Role(user.role)][0])
    return go("/settings/team" if still else "/leads", f"{user.name} is saved.")


async def _save_seat(uow: UnitOfWork, user_id: UUID, form: Mapping[str, str]) -> None:
    seat = await uow.session.get(RoutingSeat, (uow.tenant_id, user_id))
    takes_leads = "takes_leads" in form
    if seat is None and not takes_leads:
        return
    zone = zone_named(form.get("zone", ""))
    terms: dict[str, Any] = {
        "weight": _number("weight", form.get("weight", "")),
        "capacity": _capacity(form.get("capacity", "")),
        "time_zone": zone,
        "is_active": takes_leads,
        "working_hours": week_hours(typed_rows(form, len(WEEKDAYS)), seat.working_hours if seat else None),
        "away_until": away_moment(form.get("away_until", ""), seat.away_until if seat else None, zone, uow.now()),
    }
    if seat is not None and all(getattr(seat, name) == value for name, value in terms.items()):
        return
    await set_seat(uow, user_id, **terms)


def _number(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PorchlightError("request_invalid", "Write a number, like 1.5.", field=field) from None


def _capacity(text: str) -> int | None:
    if not text.strip():
        return None
    number = _number("capacity", text)
    if not number.is_integer():
        raise PorchlightError("request_invalid", "Write a whole number, or leave it empty.", field="capacity")
    return int(number)


@router.post("/users/{user_id}/password")
async def give_password(request: Request, caller: AccountsManager, user_id: UUID) -> Response:
    password = new_password()
    await _seen_user(caller, user_id)
    await manage.update_user(caller.uow, user_id, password=password)
    return await _user_page(request, caller, user_id, password=password)
